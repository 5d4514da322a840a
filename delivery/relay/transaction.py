"""One message over a connection: MAIL, RCPT, DATA, and an outcome for each recipient.

RFC 5321 section 4.1.1, PIPELINING RFC 2920, SIZE RFC 1870, SMTPUTF8 RFC 6531, DSN RFC 3461, CHUNKING RFC 3030,
REQUIRETLS RFC 8689, DELIVERBY RFC 2852.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from delivery.relay import in_time, requiring, set_up
from delivery.relay.connection import SERVICE_CLOSING, RelayConnection
from delivery.relay.content import LostAtTheEnd, send_chunks, send_lines
from delivery.relay.outcome import Bounced, Deferred, Delivered, Outcome, refused
from delivery.relay.wire import WireLost
from mailhost.protocols.smtp.client import ServerReply, mail_command, rcpt_command
from mailhost.protocols.smtp.deliver_by import by_value
from mailhost.protocols.smtp.dsn_parameters import MAX_ORCPT_OCTETS, orcpt_in_utf8

TOO_MANY_RECIPIENTS = "4.5.3"  # RFC 3463: the rest may follow in another transaction


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT, with RFC 3461's parameters as they came."""

    forward_path: str
    notify: str = ""
    orcpt: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One message for some recipients; `data` is what follows DATA's reply, its final dot included.

    is_chunked: `data` is the message itself, and goes by BDAT.
    """

    reverse_path: str
    recipients: Sequence[Recipient]
    data: bytes
    size_octets: int
    body: str = "8BITMIME"
    needs_smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    is_chunked: bool = False
    requires_tls: bool = False
    by_seconds: int | None = None  # what is left of RFC 2852's time
    by_mode: str = ""


class NothingBegun(Exception):
    """The connection went before the transaction began: the message can go over another one, at once."""

    def __init__(self, outcome: Deferred) -> None:
        super().__init__(outcome.reply)
        self.outcome = outcome


async def send(connection: RelayConnection, transaction: Transaction) -> list[Outcome]:
    """An outcome for each recipient, in their order. Raises NothingBegun."""
    if refusal := _refusal_before(connection, transaction):
        return [refusal] * len(transaction.recipients)
    await _reset(connection)
    if transaction.is_chunked:
        return await _send_chunked(connection, transaction)
    if "PIPELINING" in connection.extensions:
        return await _send_pipelined(connection, transaction)
    return await _send_step_by_step(connection, transaction)


def _refusal_before(connection: RelayConnection, transaction: Transaction) -> Bounced | None:
    """What the server's extensions rule out (RFC 1870 section 6.1, RFC 6531 section 3.5)."""
    if transaction.requires_tls and (refusal := requiring.refusal(connection)):
        return refusal
    if refusal := in_time.refusal(
        seconds=transaction.by_seconds,
        mode=transaction.by_mode,
        extensions=connection.extensions,
        peer=connection.peer,
    ):
        return refusal
    limit = connection.extensions.max_size_octets
    if limit is not None and transaction.size_octets > limit:
        text = f"The message has {transaction.size_octets} octets; the server takes {limit}."
        return Bounced("5.3.4", text, connection.peer)
    if transaction.needs_smtputf8 and "SMTPUTF8" not in connection.extensions:
        return _needs_ascii(connection, transaction)
    return None


def _needs_ascii(connection: RelayConnection, transaction: Transaction) -> Bounced:
    """RFC 6531 section 4: X.6.7 is about addresses of the envelope, X.6.9 about a header."""
    paths = (transaction.reverse_path, *(each.forward_path for each in transaction.recipients))
    if all(path.isascii() for path in paths):
        text = "The server cannot handle a header that is not plain ASCII (SMTPUTF8)."
        return Bounced("5.6.9", text, connection.peer)
    text = "The server cannot handle addresses that are not plain ASCII (SMTPUTF8)."
    return Bounced("5.6.7", text, connection.peer)


async def _reset(connection: RelayConnection) -> None:
    """Ends a transaction that was begun and refused; a server that does not manage is left."""
    if not connection.is_begun:
        return
    try:
        reply = await connection.ask(b"RSET\r\n", seconds=connection.timeouts.command)
    except WireLost as lost:
        raise NothingBegun(Deferred("4.4.2", str(lost), connection.peer)) from lost
    if not reply.is_positive:
        connection.wire.lose(str(reply))
        raise NothingBegun(Deferred("4.5.0", str(reply), connection.peer))
    connection.is_begun = False


async def _send_pipelined(connection: RelayConnection, transaction: Transaction) -> list[Outcome]:
    """MAIL, every RCPT and DATA in one go (RFC 2920 section 3.1)."""
    with connection.within(connection.timeouts.envelope):
        mail, answers = await _envelope_pipelined(connection, transaction, b"DATA\r\n")
        data = await _answer(connection, connection.timeouts.data)
    outcomes = _outcomes(connection, mail, answers)
    if None not in outcomes and isinstance(data, ServerReply) and data.is_intermediate:
        # RFC 2920 section 3.1: no recipient, yet it waits for data. It gets none; its answer does not matter.
        await _send_data(connection, b".\r\n")
    return await _finish(connection, transaction, outcomes, data)


async def _send_chunked(connection: RelayConnection, transaction: Transaction) -> list[Outcome]:
    """MAIL and each RCPT as they may go, then the message by BDAT (RFC 3030 section 2), where anybody is to have it."""
    with connection.within(connection.timeouts.envelope):
        if "PIPELINING" in connection.extensions:
            mail, answers = await _envelope_pipelined(connection, transaction)
        else:
            mail, answers = await _envelope_step_by_step(connection, transaction)
    outcomes = _outcomes(connection, mail, answers)
    if None in outcomes:
        last = await _send_data(connection, transaction.data, is_chunked=True)
    else:
        last = _no(connection, mail, otherwise="5.0")  # nobody's
    connection.completed += connection.is_usable
    return [each if each is not None else last for each in outcomes]


async def _envelope_pipelined(
    connection: RelayConnection, transaction: Transaction, *then: bytes
) -> tuple[ServerReply, list[ServerReply | WireLost]]:
    """The answers to MAIL and to each RCPT, of commands that went in one go with what follows them."""
    commands = [_mail(connection, transaction), *_rcpts(connection, transaction), *then]
    mail = await _begin(connection, b"".join(commands))
    return mail, [await _answer(connection, connection.timeouts.command) for _ in transaction.recipients]


async def _envelope_step_by_step(
    connection: RelayConnection, transaction: Transaction
) -> tuple[ServerReply, list[ServerReply | WireLost]]:
    """The answers to MAIL and to each RCPT."""
    mail = await _begin(connection, _mail(connection, transaction))
    if not mail.is_positive:
        return mail, [mail] * len(transaction.recipients)
    return mail, [
        await _command(connection, command, connection.timeouts.command)
        for command in _rcpts(connection, transaction)
    ]


async def _send_step_by_step(connection: RelayConnection, transaction: Transaction) -> list[Outcome]:
    """One command at a time, for servers without PIPELINING."""
    with connection.within(connection.timeouts.envelope):
        mail, answers = await _envelope_step_by_step(connection, transaction)
        outcomes = _outcomes(connection, mail, answers)
        data: ServerReply | WireLost = mail
        if None in outcomes:
            data = await _command(connection, b"DATA\r\n", connection.timeouts.data)
    return await _finish(connection, transaction, outcomes, data)


def _mail(connection: RelayConnection, transaction: Transaction) -> bytes:
    return mail_command(
        transaction.reverse_path,
        extensions=connection.extensions,
        size_octets=transaction.size_octets,
        body=transaction.body,
        is_smtputf8=transaction.needs_smtputf8,
        ret=transaction.ret,
        envid=transaction.envid,
        requires_tls=transaction.requires_tls,
        by=""
        if transaction.by_seconds is None
        else by_value(seconds=transaction.by_seconds, mode=transaction.by_mode),
    )


def _orcpt(orcpt: str, *, is_smtputf8: bool) -> str:
    """In ASCII it may be longer than a server has to take (RFC 3461 section 5.4): then the message goes without it."""
    said = orcpt_in_utf8(orcpt) if is_smtputf8 else orcpt
    return said if len(said) <= MAX_ORCPT_OCTETS else ""


def _rcpts(connection: RelayConnection, transaction: Transaction) -> list[bytes]:
    return [
        rcpt_command(
            each.forward_path,
            extensions=connection.extensions,
            notify=in_time.notify(
                each.notify,
                seconds=transaction.by_seconds,
                mode=transaction.by_mode,
                extensions=connection.extensions,
            ),
            orcpt=_orcpt(each.orcpt, is_smtputf8=transaction.needs_smtputf8),
        )
        for each in transaction.recipients
    ]


async def _begin(connection: RelayConnection, commands: bytes) -> ServerReply:
    """The answer to MAIL, the first of the commands. 421 is about the connection, not about this message; so is what a
    smarthost has against this host.
    """
    try:
        await connection.write(commands)
        mail = await connection.reply(seconds=connection.timeouts.command)
    except WireLost as lost:
        raise NothingBegun(Deferred("4.4.2", str(lost), connection.peer)) from lost
    if mail.code == SERVICE_CLOSING:
        raise NothingBegun(Deferred(mail.enhanced or "4.3.2", str(mail), connection.peer))
    if fault := set_up.fault(connection.hop, mail, peer=connection.peer):
        connection.wire.lose(fault.reply)  # it would answer each message so
        raise NothingBegun(fault)
    connection.is_begun = True
    return mail


async def _command(connection: RelayConnection, command: bytes, seconds: float) -> ServerReply | WireLost:
    try:
        return await connection.ask(command, seconds=seconds)
    except WireLost as lost:
        return lost


async def _answer(connection: RelayConnection, seconds: float) -> ServerReply | WireLost:
    try:
        return await connection.reply(seconds=seconds)
    except WireLost as lost:
        return lost


def _outcomes(
    connection: RelayConnection, mail: ServerReply, answers: Sequence[ServerReply | WireLost]
) -> list[Outcome | None]:
    """For each recipient: why it is out, or None while it is in."""
    if not mail.is_positive:
        return [_no(connection, mail, otherwise="1.0", is_about_relaying=True)] * len(answers)
    connection.has_relayed |= any(isinstance(each, ServerReply) and each.is_positive for each in answers)
    return [_rcpt_outcome(connection, answer) for answer in answers]


def _rcpt_outcome(connection: RelayConnection, answer: ServerReply | WireLost) -> Outcome | None:
    if isinstance(answer, ServerReply):
        if answer.is_positive:
            return None
        if answer.code in (452, 552) and answer.enhanced in ("", TOO_MANY_RECIPIENTS, "5.5.3"):
            # RFC 5321 section 4.5.3.1.10: both say "too many recipients" here, and neither is for ever.
            return Deferred(TOO_MANY_RECIPIENTS, str(answer), connection.peer)
    # All recipients over a connection are of one domain: where it took one, it has something against this one.
    return _no(connection, answer, otherwise="1.0", is_about_relaying=not connection.has_relayed)


def _no(
    connection: RelayConnection,
    answer: ServerReply | WireLost,
    *,
    otherwise: str,
    is_about_relaying: bool = False,
) -> Deferred | Bounced:
    if isinstance(answer, WireLost):
        return Deferred("4.4.2", str(answer), connection.peer)
    if fault := set_up.fault(connection.hop, answer, peer=connection.peer):
        return fault
    if denial := set_up.denial(
        connection.hop, answer, peer=connection.peer, is_about_relaying=is_about_relaying
    ):
        return denial
    return refused(answer, otherwise=otherwise, peer=connection.peer)


async def _finish(
    connection: RelayConnection,
    transaction: Transaction,
    outcomes: Sequence[Outcome | None],
    data: ServerReply | WireLost,
) -> list[Outcome]:
    """The message itself, for the recipients that are in (None in outcomes)."""
    last: Outcome
    if None not in outcomes:
        last = _no(connection, data, otherwise="5.0")  # nobody's
    elif isinstance(data, ServerReply) and data.is_intermediate:
        last = await _send_data(connection, transaction.data)
    else:
        last = _no(connection, data, otherwise="5.1")
    connection.completed += connection.is_usable
    return [each if each is not None else last for each in outcomes]


async def _send_data(connection: RelayConnection, data: bytes, *, is_chunked: bool = False) -> Outcome:
    """Sends the message with its final dot or in chunks; the answer is every accepted recipient's."""
    try:
        reply = await (send_chunks if is_chunked else send_lines)(connection, data)
    except LostAtTheEnd as lost:
        # It may have taken the message and lost the line: then the recipient gets it twice, and never not.
        return Deferred("4.4.2", f"{lost} It had the whole message, so it may arrive twice.", connection.peer)
    except WireLost as lost:
        said = connection.wire.unread.popleft() if connection.wire.unread else None
        if said and said.code >= 400:  # some say why they hang up in the middle
            return _no(connection, said, otherwise="6.0")
        return Deferred("4.4.2", str(lost), connection.peer)
    # RFC 3030 section 2: RSET has to follow a chunk that was refused.
    connection.is_begun = is_chunked and not reply.is_positive
    if reply.is_positive:
        return Delivered(
            str(reply),
            connection.peer,
            keeps_dsn="DSN" in connection.extensions,
            keeps_deliver_by="DELIVERBY" in connection.extensions,
        )
    return _no(connection, reply, otherwise="6.0")
