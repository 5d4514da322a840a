"""Getting in: LOGIN, AUTHENTICATE, STARTTLS, and what is told before (RFC 3501 section 6.2)."""

from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.support.transcript import Client, converse

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

Talk = Callable[[str], dict[str, str]]


def plain(login: str, password: str = "correct horse", authzid: str = "") -> str:
    return b64encode(f"{authzid}\0{login}\0{password}".encode()).decode()


def test_login_with_strings_of_all_kinds(doors: "Doors", login: str) -> None:
    converse(
        doors.plain,
        f"""
        S: * OK [CAPABILITY IMAP4rev1 …] …
        C: a LOGIN {{{len(login)}}}
        S: + …
        C: {{login}} {{13+}}
        C: correct horse
        S: a OK [CAPABILITY …UIDPLUS…] Logged in
        C: b LOGIN x y
        S: b BAD …
        C: c LOGOUT
        S: * BYE …
        S: c OK LOGOUT completed
        S!
        """,
        login=login,
    )


def test_a_wrong_password_and_an_unknown_account_are_refused_alike(doors: "Doors", login: str) -> None:
    converse(
        doors.plain,
        """
        S: * OK …
        C: a LOGIN {login} wrong
        S: a NO [AUTHENTICATIONFAILED] …
        C: b LOGIN nobody@nowhere.example.test wrong
        S: b NO [AUTHENTICATIONFAILED] …
        C: c LOGIN {login} {2}
        S: + …
        C| \\xff\\r\\n
        S: c NO [AUTHENTICATIONFAILED] …
        C: d LOGIN {login} "correct horse"
        S: d OK …
        """,
        login=login,
    )


def test_a_client_that_goes_on_failing_is_sent_away(doors: "Doors", login: str) -> None:
    converse(
        doors.small,
        """
        S: * OK …
        C: a LOGIN {login} wrong
        S: a NO [AUTHENTICATIONFAILED] …
        C: b LOGIN {login} wrong
        S: * BYE …
        S: b NO [AUTHENTICATIONFAILED] …
        S!
        """,
        login=login,
    )


def test_authenticate_plain_in_two_steps_and_in_one(doors: "Doors", login: str) -> None:
    script = """
        S: * OK …
        C: a AUTHENTICATE PLAIN
        S: +…
        C: *
        S: a BAD …
        C: b AUTHENTICATE PLAIN
        S: +…
        C: not base64!
        S: b BAD …
        C: c AUTHENTICATE CRAM-MD5
        S: c NO …
        C: d AUTHENTICATE PLAIN {other}
        S: d NO [AUTHORIZATIONFAILED] …
    """
    right, other = plain(login), plain(login, authzid="root")
    converse(doors.plain, script + "C: e AUTHENTICATE PLAIN {right}\nS: e OK …", right=right, other=other)
    converse(
        doors.plain,
        script + "C: e AUTHENTICATE PLAIN\nS: +…\nC: {right}\nS: e OK …",
        right=right,
        other=other,
    )


def test_without_tls_no_password_is_looked_at(doors: "Doors", login: str) -> None:
    converse(
        doors.strict,
        """
        S: * OK [CAPABILITY …STARTTLS LOGINDISABLED] …
        C: a LOGIN {login} "correct horse"
        S: a NO [PRIVACYREQUIRED] …
        C: b AUTHENTICATE PLAIN {right}
        S: b NO [PRIVACYREQUIRED] …
        C: c STARTTLS
        S: c OK …
        =: TLS
        C: d CAPABILITY
        S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID SASL-IR IDLE AUTH=SCRAM-SHA-256-PLUS AUTH=SCRAM-SHA-256 AUTH=PLAIN AUTH=LOGIN
        S: d OK CAPABILITY completed
        C: e STARTTLS
        S: e BAD …
        C: f LOGIN {login} "correct horse"
        S: f OK …
        """,
        login=login,
        right=plain(login),
    )


def test_commands_slipped_in_behind_starttls_are_dropped(doors: "Doors") -> None:
    with Client(doors.strict) as client:
        client.read_line()
        client.send(b"a STARTTLS\r\nb CAPABILITY\r\n")
        assert (client.read_line() or b"").startswith(b"a OK")
        client.start_tls()
        client.send(b"c NOOP\r\n")
        assert client.read_line() == b"c OK NOOP completed\r\n"


def test_implicit_tls(doors: "Doors", login: str) -> None:
    converse(
        doors.tls,
        """
        S: * OK [CAPABILITY …AUTH=PLAIN …] …
        C: a LOGIN {login} "correct horse"
        S: a OK …
        """,
        tls=True,
        login=login,
    )


def test_id_tells_who_we_are_at_any_time(talk: Talk) -> None:
    talk("""
        C: a ID ("name" "Thunderbird" "version" "115.0")
        S: * ID ("name" "mailhost")
        S: a OK ID completed
        C: b ID NIL
        S: * ID …
        S: b OK ID completed
    """)
