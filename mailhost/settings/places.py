"""Where this instance keeps its data and finds its databases, and what it is called."""

from mailhost.settings.source import BASE, env

env.section("Where things are")
VAR = env.path("MAILHOST_VAR", BASE / "var", "Data, sockets, keys and logs of this instance.", shown="var")


def running_instance(name: str) -> str:
    """A URL that the supervisor wrote for `manage.py` commands beside it; "" where none runs under this VAR."""
    path = VAR / "run" / name
    return path.read_text().strip() if path.is_file() else ""


DATABASE_URL = env.text(
    "DATABASE_URL",
    "",
    "`postgres://user:password@host:port/name`. Empty: `./run` starts an embedded Postgres of its own under `var/`.",
)
REDIS_URL = env.text(
    "REDIS_URL",
    "",
    "`redis://host:port/0`, or `unix:///path` for a socket. Empty: `./run` starts an embedded Valkey of its own.",
) or running_instance("redis_url")
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
