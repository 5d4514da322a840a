"""--help and the exit status, as a shell sees them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = ["add_domain", "add_account", "add_alias", "add_api_key", "ban", "unban", "bans"]


def manage(*words: str) -> subprocess.CompletedProcess[str]:
    """manage.py with these words, away from any database."""
    environment = {**os.environ, "DATABASE_URL": "postgres://localhost:1/nothing"}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_arguments_and_examples_and_nothing_else(command: str) -> None:
    shown = manage(command, "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"usage: manage.py {command} ")
    assert f"examples:\n  manage.py {command}" in shown.stdout
    assert "--pythonpath" not in shown.stdout


@pytest.mark.parametrize("command", ["up", "serve_smtp", "serve_imap", "serve_pop3"])
def test_help_of_what_runs_until_it_is_stopped_says_where_it_listens(command: str) -> None:
    shown = manage(command, "--help")
    assert shown.returncode == 0
    assert shown.stdout.startswith(f"usage: manage.py {command} [-h]")
    assert "port" in shown.stdout.lower()
    assert "Ctrl-C" in shown.stdout
    assert "--pythonpath" not in shown.stdout


@pytest.mark.parametrize("command", ["serve_smtp", "serve_imap", "serve_pop3"])
def test_a_server_checks_its_settings_before_it_starts(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILHOST_RELAY", "somewhere")
    refused = manage(command)
    assert refused.returncode == 1
    assert "MAILHOST_RELAY" in refused.stderr


def test_what_stands_in_the_way_is_one_line_on_stderr() -> None:
    refused = manage("add_domain", "example.org")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert "The database does not answer" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_wrong_arguments_are_told_with_the_usage() -> None:
    refused = manage("add_account", "alice", "--quota", "5G")
    assert refused.returncode == 2
    assert "'alice' is not an address: An address has the form name@domain." in refused.stderr
    assert "Traceback" not in refused.stderr
