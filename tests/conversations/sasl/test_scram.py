"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS at every door (RFC 5802, RFC 7677, RFC 5929)."""

import base64
import hashlib
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from tests.support.sasl_doors import BAD, DOORS, NO, YES, SaslDoor
from tests.support.scram_client import ScramClient

if TYPE_CHECKING:
    from mailboxes.models import Account

Enter = Callable[[str], SaslDoor]
PASSWORD = "correct horse"
each_door = pytest.mark.parametrize("protocol", sorted(DOORS))
each_door_that_binds = pytest.mark.parametrize("protocol", sorted(DOORS.keys() - {"smtp"}))


def shown(door: SaslDoor) -> bytes:
    assert isinstance(door.client.socket, ssl.SSLSocket)
    return hashlib.sha256(door.client.socket.getpeercert(binary_form=True) or b"").digest()


def exchange(door: SaslDoor, client: ScramClient, mechanism: str, *, at_once: bool = True) -> bytes | str:
    """What the server says to the proof."""
    if at_once:
        challenge = door.begin(mechanism, client.first())
    else:
        assert door.begin(mechanism) == b""
        challenge = door.go_on(client.first())
    assert isinstance(challenge, bytes), challenge
    return door.go_on(client.final(challenge))


def said(answer: bytes | str) -> str:
    assert isinstance(answer, str), answer
    return answer


@each_door
@pytest.mark.parametrize("at_once", [True, False])
def test_both_sides_prove_themselves(enter: Enter, account: "Account", protocol: str, at_once: bool) -> None:
    door, client = enter(protocol), ScramClient(account.login.upper(), PASSWORD)
    proof = exchange(door, client, "SCRAM-SHA-256", at_once=at_once)
    assert isinstance(proof, bytes)
    assert client.is_proven_by(proof)
    assert said(door.go_on(b"")).startswith(YES[protocol])


@each_door_that_binds
def test_the_channel_is_bound(enter: Enter, account: "Account", protocol: str) -> None:
    door = enter(protocol)
    client = ScramClient(account.login, PASSWORD, binding=shown(door))
    proof = exchange(door, client, "SCRAM-SHA-256-PLUS")
    assert isinstance(proof, bytes)
    assert client.is_proven_by(proof)
    assert said(door.go_on(b"")).startswith(YES[protocol])


@each_door_that_binds
def test_somebody_in_the_middle_gets_nowhere(enter: Enter, account: "Account", protocol: str) -> None:
    door = enter(protocol)
    client = ScramClient(account.login, PASSWORD, binding=hashlib.sha256(b"another certificate").digest())
    assert said(exchange(door, client, "SCRAM-SHA-256-PLUS")).startswith(NO[protocol])
    # Nor does he by taking PLUS out of what we offer.
    stripped = ScramClient(account.login, PASSWORD, flag="y")
    assert said(door.begin("SCRAM-SHA-256", stripped.first())).startswith(NO[protocol])


@each_door
def test_wrong_passwords_and_unknown_accounts_look_alike(
    enter: Enter, account: "Account", protocol: str
) -> None:
    for login, password in ((account.login, "wrong"), (f"nobody-{account.login}", PASSWORD)):
        assert said(exchange(enter(protocol), ScramClient(login, password), "SCRAM-SHA-256")).startswith(
            NO[protocol]
        )


def salt_of(door: SaslDoor, login: str) -> bytes:
    challenge = door.begin("SCRAM-SHA-256", ScramClient(login, "").first())
    assert isinstance(challenge, bytes), challenge
    said(door.go_on(b"c=biws,r=x,p=AAAA"))
    return base64.b64decode(challenge.split(b",")[1].removeprefix(b"s="))


def test_an_account_that_does_not_exist_always_has_the_same_salt(enter: Enter, account: "Account") -> None:
    nobody = f"nobody-{account.login}"
    made_up = salt_of(enter("imap"), nobody)
    assert len(made_up) == len(bytes(account.scram_salt)) == 16
    assert salt_of(enter("pop3"), nobody.upper()) == made_up
    assert salt_of(enter("imap"), f"another-{nobody}") != made_up
    assert salt_of(enter("imap"), account.login) == bytes(account.scram_salt)


@each_door
def test_messages_that_make_no_sense(enter: Enter, account: "Account", protocol: str) -> None:
    door = enter(protocol)
    assert said(door.begin("SCRAM-SHA-256", b"hello")).startswith(BAD[protocol])
    # Not bound to the channel, as PLUS has to be; submission does not offer it at all.
    unbound = said(door.begin("SCRAM-SHA-256-PLUS", ScramClient(account.login, PASSWORD).first()))
    assert unbound.startswith("504" if protocol == "smtp" else BAD[protocol])
    client = ScramClient(account.login, PASSWORD)
    assert isinstance(exchange(door, client, "SCRAM-SHA-256"), bytes)
    assert said(door.go_on(b"more")).startswith(BAD[protocol])


@each_door
def test_acting_for_another_is_refused(enter: Enter, account: "Account", protocol: str) -> None:
    first = ScramClient(account.login, PASSWORD, authzid="bob@example.test").first()
    refusal = {**NO, "imap": "a NO [AUTHORIZATIONFAILED]"}[protocol]
    assert said(enter(protocol).begin("SCRAM-SHA-256", first)).startswith(refusal)


@each_door
def test_a_closed_protocol_and_a_disabled_account_stay_shut(
    enter: Enter, account: "Account", protocol: str
) -> None:
    account.closed_protocols = [protocol]
    account.save()
    client = ScramClient(account.login, PASSWORD)
    assert said(exchange(enter(protocol), client, "SCRAM-SHA-256")).startswith(NO[protocol])
    account.closed_protocols, account.is_enabled = [], False
    account.save()
    client = ScramClient(account.login, PASSWORD)
    assert said(exchange(enter(protocol), client, "SCRAM-SHA-256")).startswith(NO[protocol])


def test_wrong_proofs_count_as_wrong_passwords_do(
    enter: Enter, account: "Account", settings: Settings
) -> None:
    settings.TRUSTED_NETWORKS = ()
    settings.LOGIN_MAX_FAILURES_PER_ACCOUNT = 1
    assert said(exchange(enter("imap"), ScramClient(account.login, "wrong"), "SCRAM-SHA-256")).startswith(
        NO["imap"]
    )
    right = ScramClient(account.login, PASSWORD)
    assert said(enter("imap").begin("SCRAM-SHA-256", right.first())).startswith("a NO [LIMIT]")
    assert said(enter("pop3").begin("SCRAM-SHA-256", right.first())).startswith("-ERR [SYS/TEMP]")
    assert said(enter("smtp").begin("SCRAM-SHA-256", right.first())).startswith("454 4.7.0")


def test_a_host_behind_a_proxy_can_leave_plus_out(
    enter: Enter, account: "Account", settings: Settings
) -> None:
    settings.SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256")
    door = enter("imap")
    assert said(door.begin("SCRAM-SHA-256-PLUS", b"")).startswith("a NO [CANNOT]")
    client = ScramClient(account.login, PASSWORD, flag="y")  # as is true now
    assert isinstance(exchange(door, client, "SCRAM-SHA-256"), bytes)
    assert said(door.go_on(b"")).startswith(YES["imap"])
