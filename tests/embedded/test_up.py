"""What `manage.py up` decides before it starts anything, and the demo data it leaves."""

import json
import socket
import stat
from pathlib import Path

import pytest
from django.conf import settings

from domains.models import Domain
from mailboxes.models import Account
from mailhost.embedded import demo, places
from mailhost.embedded.instance import AlreadyRunning, known_to_commands, only_one
from mailhost.embedded.ports import PortTaken, require_free
from mailhost.embedded.surroundings import prepare


def test_a_taken_port_is_named_with_the_settings_that_move_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            PortTaken, match=rf"Port {port} \(imap\).*MAILHOST_PORT_IMAP.*MAILHOST_PORT_OFFSET"
        ):
            require_free({"imap": port}, host="127.0.0.1")


def test_a_second_supervisor_on_one_folder_is_refused_by_name(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(AlreadyRunning, match=str(tmp_path)), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_commands_find_the_databases_while_it_runs(tmp_path: Path) -> None:
    path = tmp_path / "run" / "database_url"
    with known_to_commands(tmp_path, database_url="postgres:///x", redis_url="unix:///y"):
        assert path.read_text() == "postgres:///x\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_what_the_user_chose_stays(tmp_path: Path) -> None:
    environ = {"MAILHOST_PORT_IMAP": "2143", "REDIS_URL": "redis://elsewhere/0"}
    prepare(environ, dot_env={"MAILHOST_RELAY": "direct"}, base=tmp_path)
    assert environ["MAILHOST_PORT_IMAP"] == "2143"
    assert environ["REDIS_URL"] == "redis://elsewhere/0"
    assert "MAILHOST_RELAY" not in environ  # so that the line in .env counts
    assert environ["MAILHOST_BIND"] == "127.0.0.1"
    assert environ["DATABASE_URL"] == places.database_url(tmp_path / "var")


def test_nobody_is_trusted_where_that_is_said(tmp_path: Path) -> None:
    environ = {"MAILHOST_TRUSTED_NETWORKS": "", "MAILHOST_BIND": ""}
    prepare(environ, dot_env={"MAILHOST_TRUSTED_NETWORKS": "192.0.2.0/24"}, base=tmp_path)
    assert environ["MAILHOST_TRUSTED_NETWORKS"] == ""
    assert environ["MAILHOST_BIND"] == "127.0.0.1"


def test_demo_passwords_are_made_once_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    first = demo.read_or_make(path)
    demo.write(first, path, ports=settings.PORTS, ca=tmp_path / "ca.pem")
    assert demo.read_or_make(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_text())
    assert written["domain"] == "example.test"
    assert [entry["address"] for entry in written["accounts"]] == ["alice@example.test", "bob@example.test"]
    assert written["operator"].keys() == {"address", "password"}
    assert written["ports"].keys() == settings.PORTS.keys()
    assert written["ca"] == str(tmp_path / "ca.pem")


@pytest.mark.django_db
def test_demo_accounts_are_added_only_where_nothing_is_hosted(tmp_path: Path) -> None:
    assert demo.is_wanted()
    made = demo.read_or_make(tmp_path / "demo.json")
    demo.add(made)
    assert not demo.is_wanted()
    assert Domain.objects.get().name == "example.test"
    assert Account.objects.get(login="operator@example.test").is_operator
    assert Account.objects.get(login="alice@example.test").check_password(
        made.passwords["alice@example.test"]
    )
