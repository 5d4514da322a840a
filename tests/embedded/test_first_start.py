"""What containers are given at their first start, and keep."""

import stat
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from mailhost.embedded import probe


def test_passwords_are_made_once_and_stand_in_the_urls(tmp_path: Path, settings: Settings) -> None:
    settings.VAR, secrets = tmp_path / "var", tmp_path / "secrets"
    secrets.mkdir()
    call_command("first_start", secrets=secrets)
    first = {path.name: path.read_text() for path in secrets.iterdir()}
    assert f"requirepass {first['redis_password']}\n" in first["redis.conf"]
    url = settings.VAR / "run" / "database_url"
    assert url.read_text() == f"postgresql://mailhost:{first['postgres_password']}@postgres:5432/mailhost"
    assert stat.S_IMODE(url.stat().st_mode) == 0o600
    assert (settings.VAR / "tls" / "cert.pem").is_file()
    call_command("first_start", secrets=secrets)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == first


@pytest.mark.parametrize("words", [("imap", "1"), ("https", "1"), ("fresh", "/nonexistent")])
def test_a_service_that_does_not_answer_is_not_well(words: tuple[str, str]) -> None:
    assert not probe.main(*words)


def test_a_file_written_just_now_is_fresh_whatever_dbm_calls_it(tmp_path: Path) -> None:
    (tmp_path / "schedule.db").touch()
    assert probe.main("fresh", str(tmp_path / "schedule"))
