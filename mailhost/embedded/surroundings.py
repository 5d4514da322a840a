"""What `./run` sets where the environment and `.env` do not: it is for one machine, without root and without harm.

Applied before Django reads its settings, and inherited by every child.
"""

from collections.abc import Mapping, MutableMapping
from pathlib import Path

from mailhost.embedded import places

DEFAULTS = {
    "MAILHOST_BIND": "127.0.0.1",
    "MAILHOST_PORT_SMTP": "1025",  # below 1024 needs root
    "MAILHOST_PORT_SUBMISSION": "1587",
    "MAILHOST_PORT_SUBMISSIONS": "1465",
    "MAILHOST_PORT_IMAP": "1143",
    "MAILHOST_PORT_IMAPS": "1993",
    "MAILHOST_PORT_POP3": "1110",
    "MAILHOST_PORT_POP3S": "1995",
    "MAILHOST_RELAY": "capture",  # nothing leaves the machine
    "MAILHOST_ALLOW_PLAINTEXT_LOGIN": "1",  # on loopback alone
    "MAILHOST_TRUSTED_NETWORKS": "127.0.0.0/8,::1",
    "MAILHOST_HTTPS": "0",  # the web page is plain http on loopback
    "PYTHONUNBUFFERED": "1",  # logs say what happened before a kill
}


def prepare(environ: MutableMapping[str, str], *, dot_env: Mapping[str, str], base: Path) -> None:
    """Fills `environ` in; what the user chose stays. Without URLs the databases are the embedded ones."""
    given = {**dot_env, **{name: value for name, value in environ.items() if value}}
    var = Path(given.get("MAILHOST_VAR") or base / "var").absolute()
    if "MAILHOST_TRUSTED_NETWORKS" in environ:  # empty it says something: that nobody is trusted
        given["MAILHOST_TRUSTED_NETWORKS"] = environ["MAILHOST_TRUSTED_NETWORKS"]
    for name, value in DEFAULTS.items():
        if name not in given:
            environ[name] = value
    environ["MAILHOST_VAR"] = str(var)
    if not given.get("DATABASE_URL"):
        environ["DATABASE_URL"] = places.database_url(var)
    if not given.get("REDIS_URL"):
        environ["REDIS_URL"] = places.redis_url(var)
