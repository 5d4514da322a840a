"""docker-compose.yml: what every service owes to whoever runs the host."""

import re
from typing import Any, Final

import pytest
import yaml

from tests.architecture.code import ROOT

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
ONCE: Final = {"secrets", "setup"}  # these end
DATABASES: Final = {"postgres", "redis"}
DOORS: Final = {
    "smtp": {"SMTP": 25, "SUBMISSION": 587, "SUBMISSIONS": 465},
    "imap": {"IMAP": 143, "IMAPS": 993},
    "pop3": {"POP3": 110, "POP3S": 995},
    "web": {"WEB": 443},
}
STAYING = sorted(SERVICES.keys() - ONCE)
OURS = sorted(SERVICES.keys() - DATABASES)


def test_these_are_the_services() -> None:
    assert SERVICES.keys() == ONCE | DATABASES | DOORS.keys() | {"worker", "beat"}


@pytest.mark.parametrize("name", STAYING)
def test_what_stays_is_watched_and_started_again(name: str) -> None:
    service = SERVICES[name]
    check = service["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} <= check.keys()
    assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", sorted(ONCE))
def test_what_ends_is_not_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    assert "healthcheck" not in SERVICES[name]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_port_is_a_standard_one_that_a_variable_moves(name: str) -> None:
    assert SERVICES[name].get("ports", []) == [
        f"${{MAILHOST_PUBLISH_{door}:-{port}}}:{port}" for door, port in DOORS.get(name, {}).items()
    ]


def test_every_variable_of_a_port_is_told_to_operators() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(MAILHOST_PUBLISH_\w+)`", page))
    assert told == {f"MAILHOST_PUBLISH_{door}" for ports in DOORS.values() for door in ports}


def test_one_image_is_built_once_and_never_looked_for_elsewhere() -> None:
    assert [name for name in SERVICES if "build" in SERVICES[name]] == ["secrets"]
    assert {SERVICES[name]["image"] for name in OURS} == {"mailhost:local"}
    assert {SERVICES[name]["pull_policy"] for name in OURS} == {"never"}


def condition(name: str) -> dict[str, str]:
    """What has to be so before the service starts."""
    return {other: need["condition"] for other, need in SERVICES[name].get("depends_on", {}).items()}


@pytest.mark.parametrize("name", sorted(DOORS.keys() | {"worker", "beat"}))
def test_our_servers_wait_for_healthy_databases_that_are_up_to_date(name: str) -> None:
    assert condition(name) == {
        "setup": "service_completed_successfully",
        "postgres": "service_healthy",
        "redis": "service_healthy",
    }


def test_the_databases_wait_for_their_passwords() -> None:
    assert condition("setup") == {"postgres": "service_healthy"}
    assert condition("postgres") == condition("redis") == {"secrets": "service_completed_successfully"}
    assert condition("secrets") == {}


def test_the_data_is_in_volumes_and_no_password_in_the_file() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert used == COMPOSE["volumes"].keys()
    told = [
        f"{key}={value}" for each in SERVICES.values() for key, value in each.get("environment", {}).items()
    ]
    assert [one for one in told if re.search("PASSWORD|SECRET|_URL|_KEY", one.partition("=")[0])] == [
        "POSTGRES_PASSWORD_FILE=/secrets/postgres_password"
    ]


def test_the_image_runs_as_an_ordinary_user() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert "USER mailhost" in lines[lines.index("COPY . .") :]
