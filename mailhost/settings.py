"""Django's settings, read from the environment (docs/settings.md is made from the declarations here)."""

import hashlib
import os
import secrets
import socket
import tempfile
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from mailhost.environment import Environment, SettingInvalid, read_dot_env

BASE = Path(__file__).resolve().parent.parent
env = Environment(values={**read_dot_env(BASE / ".env"), **os.environ})

# --- Where things are ---------------------------------------------------------------------------------------------
env.section("Where things are")
VAR = env.path("MAILHOST_VAR", BASE / "var", "Data, sockets, keys and logs of this instance.", shown="var")
DATABASE_URL = env.text(
    "DATABASE_URL",
    "",
    "`postgres://user:password@host:port/name`. Empty: `./run` starts an embedded Postgres of its own under `var/`.",
)
REDIS_URL = env.text(
    "REDIS_URL",
    "",
    "`redis://host:port/0`, or `unix:///path` for a socket. Empty: `./run` starts an embedded Valkey of its own.",
)
HOSTNAME = env.text(
    "MAILHOST_HOSTNAME",
    "localhost",
    "The name this host has in DNS: the greeting of SMTP, Received fields, Message-IDs, links.",
)
DISK_PATH = env.path(
    "MAILHOST_DISK_PATH", VAR, "The disk that is watched: put it where Postgres keeps its data.", shown="var"
)
DISK_RESERVE_OCTETS = env.octets(
    "MAILHOST_DISK_RESERVE",
    "512M",
    "With less than this free, mail is refused for now (452 4.3.1): Postgres needs room to go on.",
)

# --- Listening ----------------------------------------------------------------------------------------------------
env.section("Listening")
BIND = env.text("MAILHOST_BIND", "0.0.0.0", "The address all servers listen on; `./run` sets 127.0.0.1.")
PORT_OFFSET = env.integer("MAILHOST_PORT_OFFSET", 0, "Added to every port, to run several instances side by side.")
STANDARD_PORTS = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "managesieve": 4190,
    "web": 8000,
}
PORTS = {
    name: PORT_OFFSET + env.integer(f"MAILHOST_PORT_{name.upper()}", port, f"The port of {name}.")
    for name, port in STANDARD_PORTS.items()
}
TLS_CERT = env.path(
    "MAILHOST_TLS_CERT",
    VAR / "tls" / "cert.pem",
    "Certificate chain in PEM; re-read when it changes.",
    shown="var/tls/cert.pem",
)
TLS_KEY = env.path("MAILHOST_TLS_KEY", VAR / "tls" / "key.pem", "Its private key.", shown="var/tls/key.pem")
ALLOW_PLAINTEXT_LOGIN = env.boolean(
    "MAILHOST_ALLOW_PLAINTEXT_LOGIN",
    False,
    "Lets clients on loopback sign in without TLS, for trying things out. `./run` sets it. No other address ever may.",
)
TRUSTED_NETWORKS = env.networks(
    "MAILHOST_TRUSTED_NETWORKS",
    (),
    "Exempt from connection limits and slowed logins; never from relay rules, AUTH or content checks. "
    "`./run` sets loopback.",
)
STORE_THREADS = env.integer(
    "MAILHOST_STORE_THREADS",
    8,
    "Threads (each with one database connection) in each protocol process; sessions share them.",
)

# --- Relaying -----------------------------------------------------------------------------------------------------
env.section("Relaying")
RELAY = env.text(
    "MAILHOST_RELAY",
    "direct",
    "`direct` (to each domain's MX), `smarthost:HOST:PORT`, or `capture`: nothing leaves the machine and what would "
    "have left is kept for the admin to show. `./run` sets `capture`.",
)
RELAY_PORT = env.integer("MAILHOST_RELAY_PORT", 25, "The port of other hosts; another one only to try relaying out.")
RELAY_TO_PRIVATE = env.boolean(
    "MAILHOST_RELAY_TO_PRIVATE",
    False,
    "Allows relaying to private and loopback addresses, which a stranger's MX could otherwise point at.",
)
RESOLVER = env.text(
    "MAILHOST_RESOLVER", "", "`ADDRESS:PORT` of a DNS server to ask instead of the system's resolvers."
)

# --- Web ----------------------------------------------------------------------------------------------------------
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
    env.words("MAILHOST_TRUSTED_ORIGINS", (), "Origins such as `https://mail.example.org` behind a TLS proxy.")
)
HTTPS = env.boolean(
    "MAILHOST_HTTPS",
    True,
    "Web pages are reached by https only (by a proxy that sets X-Forwarded-Proto): secure cookies, redirects, HSTS. "
    "`./run` turns it off, as it serves plain http on loopback.",
)


def secret_key() -> str:
    """MAILHOST_SECRET_KEY, or one made once and kept in var/secret_key (mode 0600)."""
    given = env.text("MAILHOST_SECRET_KEY", "", "Signs sessions and links. Empty: made once, kept in `var/secret_key`.")
    if given:
        return given
    path = VAR / "secret_key"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=".secret_key")  # mode 0600 from the start
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(made, path)  # does nothing where another process was first
        except FileExistsError:
            pass
        os.unlink(made)
    return path.read_text().strip()


SECRET_KEY = secret_key()
if HOSTNAME not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(HOSTNAME)

# --- Accounts and sign-in -----------------------------------------------------------------------------------------
env.section("Accounts and sign-in")
DEFAULT_QUOTA_OCTETS = env.octets("MAILHOST_DEFAULT_QUOTA", "5G", "Quota of an account made without one; 0: none.")
LOGIN_FREE_FAILURES = env.integer(
    "MAILHOST_LOGIN_FREE_FAILURES",
    3,
    "Wrong passwords in a quarter of an hour that are answered without delay: people mistype.",
)
LOGIN_MAX_FAILURES_PER_ACCOUNT = env.integer(
    "MAILHOST_LOGIN_MAX_FAILURES_PER_ACCOUNT",
    30,
    "Wrong passwords for one account and network in a quarter of an hour before logins are refused unseen.",
)
LOGIN_MAX_FAILURES_PER_ADDRESS = env.integer(
    "MAILHOST_LOGIN_MAX_FAILURES_PER_ADDRESS",
    100,
    "Wrong passwords from one address (IPv6: /64) in a quarter of an hour before logins are refused unseen.",
)
LOGIN_WINDOW_SECONDS = env.integer("MAILHOST_LOGIN_WINDOW", 900, "How long wrong passwords count, in seconds.")
LOGIN_CACHE_SECONDS = env.seconds(
    "MAILHOST_LOGIN_CACHE",
    300,
    "How long a process remembers that a password was right (as an HMAC), as mail clients sign in all the time.",
)

# --- The store ----------------------------------------------------------------------------------------------------
env.section("The store")
MAX_MESSAGE_OCTETS = env.octets("MAILHOST_MAX_MESSAGE", "50M", "The largest message taken by any door.")
MAX_MAILBOXES = env.integer(
    "MAILHOST_MAX_MAILBOXES", 10_000, "Mailboxes of one account: LIST answers with all of them at once."
)
MAX_MAILBOX_NAME = env.integer(
    "MAILHOST_MAX_MAILBOX_NAME", 1_000, "Characters of a mailbox's full name, all levels together."
)
MAX_KEYWORDS = env.integer("MAILHOST_MAX_KEYWORDS", 64, "Keywords on one message; clients use a handful.")
EXPUNGED_RETENTION_SECONDS = env.integer(
    "MAILHOST_EXPUNGED_RETENTION", 14 * 86_400, "How long expunged messages are kept for taking back, in seconds."
)
WRITE_BATCH_OCTETS = env.octets(
    "MAILHOST_WRITE_BATCH", "16M", "Octets of messages that one commit takes together at the most."
)

# --- Django -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "mailboxes.Account"
AUTHENTICATION_BACKENDS = ["mailboxes.authentication.Backend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "mailhost.urls"
ASGI_APPLICATION = "mailhost.asgi.application"
WSGI_APPLICATION = "mailhost.wsgi.application"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "mailhost.audit",
    "mailhost.embedded",
    "mailhost.webmail",
    "domains",
    "mailboxes",
    "delivery",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
STATICFILES_DIRS = [BASE / "static"]

PASSWORD_HASHERS = ["mailboxes.passwords.Argon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 86_400
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # asked by probes inside the host, which speak plain http
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'self'"],
    }
}


def database(url: str) -> dict[str, object]:
    """Django's DATABASES entry for a postgres:// URL; `?host=/folder` names a unix socket's folder."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise SettingInvalid("DATABASE_URL takes postgres://user:password@host:port/name")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(query.pop("port", parts.port or "")),
        # Store threads and request threads live long; a lost connection is found by its first statement.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            # A connection that died without a word (a machine gone, a cable pulled) is noticed within seconds.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            **query,
        },
    }


def running_instance(name: str) -> str:
    """A URL that the supervisor wrote for `manage.py` commands beside it; "" where none runs under this VAR."""
    path = VAR / "run" / name
    return path.read_text().strip() if path.is_file() else ""


REDIS_URL = REDIS_URL or running_instance("redis_url")
DATABASES = {"default": database(DATABASE_URL or running_instance("database_url") or "postgres:///mailhost")}
