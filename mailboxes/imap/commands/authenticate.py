"""AUTHENTICATE (RFC 3501 section 6.2.2), with an initial response (RFC 4959)."""

from mailboxes.imap.commands.login import entering, refuse_plaintext
from mailboxes.imap.refusals import Refused
from mailboxes.imap.session import Session
from mailboxes.mechanisms import Attempt, authenticate_with
from mailhost.net.stream.interruptions import LineTooLong
from mailhost.protocols.imap.commands import Authenticate
from mailhost.protocols.imap.responses import Reply, bad, continuation
from mailhost.protocols.sasl import (
    Challenge,
    SaslCancelled,
    SaslSyntaxError,
    decode_initial_response,
    decode_response,
    encode_challenge,
)


async def authenticate(session: Session, command: Authenticate) -> Reply:
    refuse_plaintext(session)
    if command.mechanism not in session.mechanisms:
        raise Refused(f"{command.mechanism[:40]} is not a mechanism of this server.", "CANNOT")
    if command.initial_response is not None and "SASL-IR" in session.switched_off:
        return bad("Initial responses are switched off here")

    async def ask(octets: bytes) -> bytes:
        await session.send(continuation(encode_challenge(Challenge(octets)).decode("ascii")))
        return decode_response(await session.read_line())

    connection, sign_in = session.connection, session.host.logins.sign_in
    attempt = Attempt("imap", connection.peer, connection.end_points, session.mechanisms, ask, sign_in)
    try:
        initial = (
            None if command.initial_response is None else decode_initial_response(command.initial_response)
        )
        return await entering(session, authenticate_with(command.mechanism, initial, attempt))
    except SaslCancelled:
        return bad("AUTHENTICATE cancelled")
    except (SaslSyntaxError, LineTooLong) as error:
        return bad(str(error))
