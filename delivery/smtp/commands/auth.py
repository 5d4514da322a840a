"""AUTH PLAIN and LOGIN (RFC 4954, RFC 4616)."""

from typing import Final

from django.conf import settings

from delivery.smtp.replies import CLOSING_TOO_MANY_ERRORS
from delivery.smtp.session import Door, Session, State
from mailboxes.authentication import sign_in
from mailboxes.exceptions import AuthenticationFailed
from mailhost.net.connection import LineTooLong
from mailhost.net.store_threads import StoreUnavailable
from mailhost.protocols.sasl import (
    MECHANISMS,
    Challenge,
    Credentials,
    Exchange,
    SaslCancelled,
    SaslSyntaxError,
    decode_initial_response,
    decode_response,
    encode_challenge,
)
from mailhost.protocols.smtp.replies import CommandRefused, Reply

ALLOWED_IN: Final = frozenset({State.GREETED})
MAX_LINE_OCTETS: Final = 12_288  # RFC 4954 section 4.5


def is_auth_offered(session: Session) -> bool:
    """On submission, under TLS; without it only where the owner of this machine tries things out."""
    if session.door is not Door.SUBMISSION or session.principal is not None:
        return False
    return session.connection.is_tls or (settings.ALLOW_PLAINTEXT_LOGIN and session.connection.is_loopback)


async def auth(session: Session, argument: str) -> Reply:
    """Signs an account in."""
    _refuse_where_out_of_place(session)
    credentials = await _exchange(session, argument)
    if credentials.authzid not in {"", credentials.login}:
        raise CommandRefused(535, "5.7.8", "Acting as another account is not possible here")
    try:
        session.principal = await sign_in(
            login=credentials.login,
            password=credentials.password,
            peer=session.connection.peer,
            protocol="smtp",
        )
    except AuthenticationFailed:
        session.login_failures += 1
        if session.login_failures >= settings.SMTP_MAX_LOGIN_FAILURES:
            return CLOSING_TOO_MANY_ERRORS
        raise
    except StoreUnavailable:
        return Reply(454, "4.7.0", "Logins are not possible for the moment, try again later")
    return Reply(235, "2.7.0", "Authentication succeeded")


def _refuse_where_out_of_place(session: Session) -> None:
    if session.door is not Door.SUBMISSION:
        raise CommandRefused(502, "5.5.1", "AUTH is for the submission ports, 465 and 587")
    if session.principal is not None:
        raise CommandRefused(503, "5.5.1", "Authenticated already")
    if not is_auth_offered(session):
        raise CommandRefused(538, "5.7.11", "Encryption is required, begin with STARTTLS")


async def _exchange(session: Session, argument: str) -> Credentials:
    mechanism, _, initial = argument.partition(" ")
    make_exchange = MECHANISMS.get(mechanism.upper())
    if make_exchange is None:
        raise CommandRefused(504, "5.5.4", "The mechanisms are PLAIN and LOGIN")
    try:
        response = decode_initial_response(initial.encode()) if initial else None
        return await _converse(session, make_exchange(), response)
    except SaslCancelled:
        raise CommandRefused(501, "5.7.0", "Authentication cancelled") from None
    except SaslSyntaxError as error:
        raise CommandRefused(501, "5.5.2", str(error)) from error
    except LineTooLong:
        raise CommandRefused(500, "5.5.6", "The authentication exchange line is too long") from None


async def _converse(session: Session, exchange: Exchange, response: bytes | None) -> Credentials:
    while isinstance(step := exchange.answer(response), Challenge):
        session.connection.write(b"334 " + encode_challenge(step) + b"\r\n")
        line = await session.connection.read_line(
            limit=MAX_LINE_OCTETS, timeout=settings.SMTP_TIMEOUT_SECONDS
        )
        response = decode_response(line)
    return step
