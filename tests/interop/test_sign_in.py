"""mpop signs in over TLS with every mechanism that it and we have; its SCRAM is GNU SASL's."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import find_program, needs_program

MPOP = """
account ours
host localhost
port {port}
user {login}
password "{password}"
auth {mechanism}
tls on
tls_starttls off
tls_trust_file {ca}
delivery maildir {folder}/maildir
uidls_file {folder}/uidls
"""


def fetch(folder: Path, *, mechanism: str, port: int, login: str, ca: Path, password: str) -> tuple[int, str]:
    """Exit status, and the conversation."""
    for name in ("cur", "new", "tmp"):
        (folder / "maildir" / name).mkdir(parents=True, exist_ok=True)
    configuration = folder / "mpoprc"
    configuration.write_text(
        MPOP.format(mechanism=mechanism, port=port, login=login, ca=ca, folder=folder, password=password)
    )
    configuration.chmod(0o600)
    done = subprocess.run(
        [find_program("mpop") or "", "--debug", "-C", str(configuration), "ours"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@needs_program("mpop", package="mpop")
@pytest.mark.parametrize("mechanism", ["scram-sha-256", "plain", "login", "user"])
def test_mpop_signs_in(
    pop3_doors: dict[str, int], certificates: Path, tmp_path: Path, mechanism: str
) -> None:
    from tests.support.hosting import new_account

    login = new_account(password="pässwort ½").login
    common = {
        "mechanism": mechanism,
        "port": pop3_doors["pop3s"],
        "login": login,
        "ca": certificates / "ca.pem",
    }
    status, said = fetch(tmp_path, password="pässwort ½", **common)  # type: ignore[arg-type]
    assert status == 0, said
    assert ("AUTH " + mechanism.upper() in said) == (mechanism != "user")
    status, said = fetch(tmp_path, password="wrong", **common)  # type: ignore[arg-type]
    assert status != 0
    assert "[AUTH]" in said
