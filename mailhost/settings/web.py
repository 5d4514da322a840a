"""The web server: its names, its secret and its connections."""

from urllib.parse import urlsplit

from mailhost.settings.kept_secret import kept_secret
from mailhost.settings.places import HOSTNAME
from mailhost.settings.source import env

env.section("Web")
DEBUG = env.boolean("MAILHOST_DEBUG", False, "Django's debug pages. Never on a host that others reach.")
ALLOWED_HOSTS = list(
    env.words(
        "MAILHOST_ALLOWED_HOSTS",
        ("localhost", "127.0.0.1", "[::1]"),
        "Names the web server answers to, besides `MAILHOST_HOSTNAME`.",
    )
)
CSRF_TRUSTED_ORIGINS = list(
    env.words(
        "MAILHOST_TRUSTED_ORIGINS", (), "Origins such as `https://mail.example.org` behind a TLS proxy."
    )
)
HTTPS = env.boolean(
    "MAILHOST_HTTPS",
    True,
    "Web pages are reached by https only (by a proxy that sets X-Forwarded-Proto): secure cookies, redirects, HSTS. "
    "`./run` turns it off, as it serves plain http on loopback.",
)
PUBLIC_URL = env.origin(
    "MAILHOST_PUBLIC_URL",
    "Where people reach the web pages, such as `https://mail.example.org:8443`, for links in mail. Empty: made of "
    "`MAILHOST_HOSTNAME`, with the port where `MAILHOST_HTTPS` is off.",
)
WEB_CONNECTIONS = env.integer(
    "MAILHOST_WEB_CONNECTIONS",
    10,
    "Database connections of the web server; requests beyond that wait their turn.",
    minimum=1,
)
SECRET_KEY = kept_secret(
    env.text(
        "MAILHOST_SECRET_KEY", "", "Signs sessions and links. Empty: made once, kept in `var/secret_key`."
    ),
    "secret_key",
)
for _name in (HOSTNAME, urlsplit(PUBLIC_URL).hostname):
    if _name and _name not in ALLOWED_HOSTS:
        ALLOWED_HOSTS.append(f"[{_name}]" if ":" in _name else _name)
if PUBLIC_URL and PUBLIC_URL not in CSRF_TRUSTED_ORIGINS:
    CSRF_TRUSTED_ORIGINS.append(PUBLIC_URL)
