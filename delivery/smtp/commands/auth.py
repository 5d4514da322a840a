"""AUTH (RFC 4954), with the mechanisms that every door has."""

from typing import Final

from django.conf import settings

from delivery.smtp.replies import CLOSING_TOO_MANY_ERRORS
from delivery.smtp.session import Door, Session, State
from mailboxes.authentication import Principal
from mailboxes.exceptions import ActingForAnother, AuthenticationFailed
from mailboxes.mechanisms import Attempt, authenticate_with, offered_mechanisms
from mailhost.net.store_threads import StoreUnavailable
from mailhost.net.stream.interruptions import LineTooLong
from mailhost.protocols.sasl import (
    Challenge,
    SaslCancelled,
    SaslSyntaxError,
    decode_initial_response,
    decode_response,
    encode_challenge,
)
from mailhost.protocols.smtp.replies import CommandRefused, Reply

ALLOWED_IN: Final = frozenset({State.GREETED})
MAX_LINE_OCTETS: Final = 12_288  # RFC 4954 section 4.5


def mechanisms(session: Session) -> tuple[str, ...]:
    """On submission, under TLS; without it only where the owner of this machine tries things out."""
    if session.door is not Door.SUBMISSION or session.principal is not None:
        return ()
    connection = session.connection
    if not connection.is_tls and not (settings.ALLOW_PLAINTEXT_LOGIN and connection.is_loopback):
        return ()
    # Without SCRAM-SHA-256-PLUS: what sends mail by GNU SASL (neomutt, msmtp) picks it first, cannot bind by
    # tls-server-end-point, and then gives up instead of going on to the next one.
    return offered_mechanisms(end_points=())


async def auth(session: Session, argument: str) -> Reply:
    """Signs an account in."""
    offered = mechanisms(session)
    _refuse_where_out_of_place(session, offered)
    try:
        session.principal = await _exchange(session, argument, offered)
    except (AuthenticationFailed, ActingForAnother):
        session.login_failures += 1
        if session.login_failures >= settings.SMTP_MAX_LOGIN_FAILURES:
            return CLOSING_TOO_MANY_ERRORS
        raise
    except StoreUnavailable:
        return Reply(454, "4.7.0", "Logins are not possible for the moment, try again later")
    return Reply(235, "2.7.0", "Authentication succeeded")


def _refuse_where_out_of_place(session: Session, offered: tuple[str, ...]) -> None:
    if session.door is not Door.SUBMISSION:
        raise CommandRefused(502, "5.5.1", "AUTH is for the submission ports, 465 and 587")
    if session.principal is not None:
        raise CommandRefused(503, "5.5.1", "Authenticated already")
    if not offered:
        raise CommandRefused(538, "5.7.11", "Encryption is required, begin with STARTTLS")


async def _exchange(session: Session, argument: str, offered: tuple[str, ...]) -> Principal:
    mechanism, _, initial = argument.partition(" ")
    mechanism = mechanism.upper()
    if mechanism not in offered:
        raise CommandRefused(504, "5.5.4", f"The mechanisms are {', '.join(offered)}")
    connection = session.connection

    async def ask(octets: bytes) -> bytes:
        connection.write(b"334 " + encode_challenge(Challenge(octets)) + b"\r\n")
        line = await connection.read_line(limit=MAX_LINE_OCTETS, timeout=settings.SMTP_TIMEOUT_SECONDS)
        return decode_response(line)

    try:
        response = decode_initial_response(initial.encode()) if initial else None
        attempt = Attempt("smtp", connection.peer, (), offered, ask, session.host.sign_in)
        return await authenticate_with(mechanism, response, attempt)
    except SaslCancelled:
        raise CommandRefused(501, "5.7.0", "Authentication cancelled") from None
    except SaslSyntaxError as error:
        raise CommandRefused(501, "5.5.2", str(error)) from error
    except LineTooLong:
        raise CommandRefused(500, "5.5.6", "The authentication exchange line is too long") from None
