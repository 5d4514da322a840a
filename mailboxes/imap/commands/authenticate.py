"""AUTHENTICATE (RFC 3501 section 6.2.2) with an initial response (RFC 4959): PLAIN (RFC 4616)."""

from mailboxes.imap.commands.login import enter, refuse_plaintext
from mailboxes.imap.refusals import Refused
from mailboxes.imap.session import Session
from mailhost.net.connection import LineTooLong
from mailhost.protocols.imap.commands import Authenticate
from mailhost.protocols.imap.responses import Reply, bad, continuation
from mailhost.protocols.sasl import (
    Credentials,
    PlainExchange,
    SaslCancelled,
    SaslSyntaxError,
    decode_initial_response,
    decode_response,
    encode_challenge,
)

MECHANISMS = {"PLAIN": PlainExchange}


async def authenticate(session: Session, command: Authenticate) -> Reply:
    mechanism = MECHANISMS.get(command.mechanism)
    if mechanism is None:
        raise Refused(f"{command.mechanism[:40]} is not a mechanism of this server.", "CANNOT")
    refuse_plaintext(session)
    try:
        credentials = await _exchange(session, mechanism(), command.initial_response)
    except SaslCancelled:
        return bad("AUTHENTICATE cancelled")
    except (SaslSyntaxError, LineTooLong) as error:
        return bad(str(error))
    if credentials.authzid not in {"", credentials.login}:
        raise Refused("You may act as yourself alone.", "AUTHORIZATIONFAILED")
    return await enter(session, login=credentials.login, password=credentials.password)


async def _exchange(session: Session, exchange: PlainExchange, initial: bytes | None) -> Credentials:
    response = None if initial is None else decode_initial_response(initial)
    while True:
        step = exchange.answer(response)
        if isinstance(step, Credentials):
            return step
        await session.send(continuation(encode_challenge(step).decode("ascii")))
        response = decode_response(await session.read_line())
