"""Where the embedded servers of one var/ folder live: a pure function of its path."""

import hashlib
import os
import re
import tempfile
from pathlib import Path
from urllib.parse import quote

MAX_SOCKET_FOLDER = (
    90  # sockaddr_un holds 108 octets on Linux and 104 on macOS; "/.s.PGSQL.5432.lock" wants its share
)
SAFE_PATH = re.compile(
    r"[\w/.+-]+", re.ASCII
)  # the path is written into a server's list of folders and into URLs

POSTGRES_USER = "mailhost"
POSTGRES_DATABASE = "mailhost"


def socket_folder(var: Path) -> Path:
    """`var/run`, or a private folder in the temporary folder where that path is too long for a socket."""
    near = var.absolute() / "run"
    if len(os.fsencode(near)) < MAX_SOCKET_FOLDER and SAFE_PATH.fullmatch(str(near)):
        return near
    name = f"mailhost-{os.geteuid()}-{hashlib.sha256(os.fsencode(near)).hexdigest()[:12]}"
    return Path(tempfile.gettempdir()) / name


def make_private(folder: Path) -> Path:
    """The folder, made with mode 0700; raises PermissionError when it is there and somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), *_owners_under_root()):
        raise PermissionError(f"{folder} belongs to somebody else; remove it or set TMPDIR")
    folder.chmod(0o700)
    return folder


def _owners_under_root() -> tuple[int, ...]:
    """Root hands the folder to an unprivileged user where Postgres has to run as one (launch.py)."""
    import pwd

    from mailhost.embedded.launch import FALLBACK_USERS

    if os.geteuid() != 0:
        return ()
    return tuple(user.pw_uid for user in pwd.getpwall() if user.pw_name in FALLBACK_USERS)


def database_url(var: Path) -> str:
    """The embedded database of this var/ folder."""
    return f"postgresql://{POSTGRES_USER}@/{POSTGRES_DATABASE}?host={quote(str(socket_folder(var)), safe='')}"


def redis_url(var: Path) -> str:
    """The embedded Valkey of this var/ folder, in redis-py's form."""
    return f"unix://{valkey_socket(var)}"


def valkey_socket(var: Path) -> Path:
    return socket_folder(var) / "valkey.sock"
