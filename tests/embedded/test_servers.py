"""The embedded servers: they start, keep their data, and leave nothing behind."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from mailhost.embedded import places
from mailhost.embedded.child import ServerFailed
from mailhost.embedded.postgres import Postgres
from mailhost.embedded.valkey import Valkey
from tests.embedded.processes import processes_in, wait_until_gone

OWNER = """
import sys
from pathlib import Path
from mailhost.embedded.postgres import Postgres
from mailhost.embedded.valkey import Valkey
folder = Path(sys.argv[1])
postgres = Postgres(data=folder / "postgres", sockets=folder / "run", log=folder / "postgres.log")
valkey = Valkey(data=folder / "valkey", socket_path=folder / "run" / "valkey.sock", log=folder / "valkey.log")
postgres.start()
valkey.start()
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(
        data=tmp_path / "postgres",
        sockets=tmp_path / "run",
        log=tmp_path / "postgres.log",
        fast_and_unsafe=True,
    )
    yield server
    server.stop()


def test_data_is_kept_from_one_start_to_the_next(tmp_path: Path) -> None:
    postgres = Postgres(data=tmp_path / "postgres", sockets=tmp_path / "run", log=tmp_path / "postgres.log")
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('grün')")
    postgres.stop()
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT upper(word) FROM kept").fetchone() == ("GRÜN",)
    postgres.stop()


def test_nothing_listens_on_the_network(postgres: Postgres) -> None:
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: run it on Linux")
def test_a_killed_owner_leaves_no_process_and_the_next_start_works(
    tmp_path: Path, postgres: Postgres
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"started\n"
    children = [pid for pid in processes_in(tmp_path) if pid != owner.pid]
    assert len(children) > 3  # the postmaster with its own children, and Valkey
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    wait_until_gone(children)
    postgres.start()
    valkey = Valkey(
        data=tmp_path / "valkey", socket_path=tmp_path / "run" / "valkey.sock", log=tmp_path / "valkey.log"
    )
    valkey.start()
    valkey.stop()


def test_data_of_another_major_version_is_left_alone(postgres: Postgres) -> None:
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(ServerFailed, match="made by Postgres 15"):
        postgres.start()


def test_a_server_that_ends_at_once_says_why(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.data / "postgresql.conf").write_text("port = nonsense\n")
    with pytest.raises(ServerFailed, match='invalid value for parameter "port"'):
        postgres.start()


def test_a_long_path_gets_its_sockets_in_a_private_folder(tmp_path: Path) -> None:
    near, far = Path("/srv/mail"), tmp_path / ("deep" * 30)
    assert places.socket_folder(near) == Path("/srv/mail/run")
    assert len(str(places.socket_folder(far))) < places.MAX_SOCKET_FOLDER
    assert places.socket_folder(far) != places.socket_folder(tmp_path / ("else" * 30))


def test_somebody_elses_socket_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    with pytest.raises(PermissionError, match="somebody else"):
        places.make_private(tmp_path / "link")
