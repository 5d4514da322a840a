"""AUTHENTICATE with each mechanism, as it goes over the wire (RFC 3501 section 6.2.2, RFC 4959).

What the mechanisms themselves let in and keep out is held for all doors in tests/conversations/sasl.
"""

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from pytest_django import Settings

from tests.support.scram_client import ScramClient
from tests.support.servers import running
from tests.support.transcript import Conversation, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

PASSWORD = "correct horse"


def encoded(octets: bytes | str) -> str:
    return b64encode(octets.encode() if isinstance(octets, str) else octets).decode()


def issued(token: str) -> str | None:
    """What a token issuer is to be."""
    login, _, secret = token.partition("/")
    return login.replace("~", "@") if secret == "good" else None


def test_login_asks_for_name_and_password(doors: "Doors", login: str) -> None:
    converse(
        doors.tls,
        """
        S: * OK [CAPABILITY …AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN…] …
        C: a AUTHENTICATE LOGIN
        S: + VXNlcm5hbWU6
        C: {name}
        S: + UGFzc3dvcmQ6
        C: {password}
        S: a OK [CAPABILITY …] Logged in
        C: b AUTHENTICATE LOGIN
        S: b BAD …
        """,
        tls=True,
        name=encoded(login),
        password=encoded(PASSWORD),
    )


def test_scram_takes_three_messages_and_an_empty_one(doors: "Doors", login: str) -> None:
    client = ScramClient(login, PASSWORD)
    with Conversation(doors.tls, tls=True, words={"first": encoded(client.first())}) as conversation:
        words = conversation.follow(
            """
            S: * OK …
            C: a AUTHENTICATE SCRAM-SHA-256
            S: +…
            C: {first}
            S: + {challenge}
            """
        )
        words["final"] = encoded(client.final(b64decode(words["challenge"])))
        conversation.follow("C: {final}\nS: + {proof}\nC:\nS: a OK …")
    assert client.is_proven_by(b64decode(words["proof"]))


def test_scram_plus_is_for_who_binds_the_channel(doors: "Doors", login: str) -> None:
    converse(
        doors.tls,
        """
        S: * OK …
        C: a AUTHENTICATE SCRAM-SHA-256-PLUS {unbound}
        S: a BAD Channel binding belongs to SCRAM-SHA-256-PLUS, and that needs it.
        C: b AUTHENTICATE SCRAM-SHA-256 {stripped}
        S: b NO [AUTHENTICATIONFAILED] …
        C: c AUTHENTICATE SCRAM-SHA-256 {first}
        S: + …
        C: *
        S: c BAD AUTHENTICATE cancelled
        """,
        tls=True,
        unbound=encoded(ScramClient(login, PASSWORD).first()),
        stripped=encoded(ScramClient(login, PASSWORD, flag="y").first()),
        first=encoded(ScramClient(login, PASSWORD).first()),
    )
    # Without TLS there is no channel to bind to, and it is not told.
    converse(
        doors.plain,
        """
        S: * OK [CAPABILITY …AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN…] …
        C: a AUTHENTICATE SCRAM-SHA-256-PLUS
        S: a NO [CANNOT] …
        """,
    )


def test_tokens_are_refused_in_json(doors: "Doors", login: str, settings: Settings) -> None:
    settings.TOKEN_CHECKER = f"{__name__}.issued"
    token = login.replace("@", "~")
    converse(
        doors.tls,
        """
        S: * OK [CAPABILITY …AUTH=OAUTHBEARER AUTH=XOAUTH2…] …
        C: a AUTHENTICATE OAUTHBEARER {wrong}
        S: + eyJzdGF0dXMiOiAiaW52YWxpZF90b2tlbiJ9
        C: AQ==
        S: a NO [AUTHENTICATIONFAILED] …
        C: b AUTHENTICATE XOAUTH2 {wrong_x}
        S: + eyJzdGF0dXMiOiAiNDAxIiwgInNjaGVtZXMiOiAiYmVhcmVyIiwgInNjb3BlIjogIiJ9
        C:
        S: b NO [AUTHENTICATIONFAILED] …
        C: c AUTHENTICATE OAUTHBEARER {right}
        S: c OK [CAPABILITY …] Logged in
        """,
        tls=True,
        wrong=encoded(f"n,a={login},\x01auth=Bearer {token}/bad\x01\x01"),
        wrong_x=encoded(f"user={login}\x01auth=Bearer {token}/bad\x01\x01"),
        right=encoded(f"n,a={login},\x01auth=Bearer {token}/good\x01\x01"),
    )


def test_mechanisms_and_initial_responses_can_be_switched_off(
    doors: "Doors", login: str, settings: Settings
) -> None:
    from tests.conversations.imap.doors import open_door

    settings.SASL_MECHANISMS = ("PLAIN", "LOGIN")
    converse(
        doors.tls,
        """
        S: * OK [CAPABILITY …AUTH=PLAIN AUTH=LOGIN] …
        C: a AUTHENTICATE SCRAM-SHA-256
        S: a NO [CANNOT] SCRAM-SHA-256 is not a mechanism of this server.
        """,
        tls=True,
    )
    settings.IMAP_SWITCHED_OFF = ("AUTH=LOGIN", "SASL-IR")
    with running(open_door()) as port:
        converse(
            port,
            """
            S: * OK [CAPABILITY …AUTH=PLAIN] …
            C: a AUTHENTICATE LOGIN
            S: a NO [CANNOT] LOGIN is not a mechanism of this server.
            C: b AUTHENTICATE PLAIN {right}
            S: b BAD Initial responses are switched off here
            C: c AUTHENTICATE PLAIN
            S: +…
            C: {right}
            S: c OK …
            """,
            right=encoded(f"\0{login}\0{PASSWORD}"),
        )
