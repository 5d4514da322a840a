"""Postgres as Django reaches it: a connection for each thread, and a pool for the web server."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from mailhost.environment import SettingInvalid
from mailhost.settings.places import DATABASE_URL, running_instance
from mailhost.settings.web import WEB_CONNECTIONS


def database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a postgres:// URL; `?host=/folder` names a unix socket's folder."""
    try:
        parts = urlsplit(url)
        is_ours = parts.scheme in {"postgres", "postgresql"} and parts.port != 0
    except ValueError:  # brackets or a port that cannot be
        is_ours = False
    if not is_ours:
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
            # A transaction that hangs must not take all store threads of all processes with it.
            "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
            # For net/database.py's cursors alone: Django's own bind on the client and are never prepared.
            "prepare_threshold": 2,
            **query,
        },
    }


def pooled(entry: dict[str, Any], *, connections: int) -> dict[str, Any]:
    """The same database through psycopg's pool, for the web process (see mailhost/asgi.py)."""
    pool = {
        "min_size": 1,
        "max_size": connections,
        "timeout": 3,  # psycopg would let a page wait half a minute before it says that the database is away
        "reconnect_timeout": 5,  # beyond that the next page tries again by itself
    }
    return {**entry, "CONN_MAX_AGE": 0, "OPTIONS": {**entry["OPTIONS"], "pool": pool}}


DATABASES = {"default": database(DATABASE_URL or running_instance("database_url") or "postgres:///mailhost")}
POOLED_DATABASE = pooled(DATABASES["default"], connections=WEB_CONNECTIONS)
