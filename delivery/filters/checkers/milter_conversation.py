"""One message told to one milter, in the order of an SMTP session, and what it wants done with it."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from delivery.filters.checkers.case import Case
from delivery.filters.checkers.milter_macros import about_the_session, about_tls
from delivery.filters.checkers.milter_wire import MilterWire
from mailhost.protocols.milter import commands
from mailhost.protocols.milter.answers import (
    Answer,
    FieldAdded,
    FieldChanged,
    HeaderChange,
    Quarantined,
    Replied,
    Word,
)
from mailhost.protocols.milter.commands import Command
from mailhost.protocols.milter.header_changes import MAX_CHANGED_OCTETS, MAX_CHANGES
from mailhost.protocols.milter.negotiation import Actions, Agreed, Steps, offer, read_agreement
from mailhost.protocols.milter.packets import MilterSyntaxError, Packet
from mailhost.protocols.smtp.header import begins_with_a_field, header_end, scan_fields
from mailhost.protocols.smtp.replies import Reply

REFUSED: Final = Reply(550, "5.7.1", "Not accepted by a filter of this host")
LATER: Final = Reply(451, "4.7.1", "A filter of this host cannot take it now, try again later")


@dataclass(slots=True)
class Wish:
    """What the milter wants. reply: refuse (5yz) or defer (4yz) the message; the rest is for one that is taken.

    refused: forward-paths, each with its reply. held: why it is to be put into quarantine, "" where it is not.
    """

    reply: Reply | None = None
    refused: dict[str, Reply] = field(default_factory=dict)
    changes: list[HeaderChange] = field(default_factory=list)
    held: str = ""


class _Decided(Exception):
    """The milter has said what becomes of the message: nothing more is told."""

    def __init__(self, reply: Reply | None = None, held: str = "") -> None:
        super().__init__()
        self.reply = reply
        self.held = held


class Conversation:
    """With one milter, about one message."""

    def __init__(self, wire: MilterWire, case: Case) -> None:
        self._wire = wire
        self._case = case
        self._wish = Wish()
        self._agreed = Agreed(0, Actions(0), Steps(0))

    async def run(self) -> Wish:
        """Raises MilterSyntaxError, EOFError, OSError."""
        await self._wire.send(offer())
        self._agreed = read_agreement(await self._wire.packet())
        try:
            await self._tell_all()
        except _Decided as decided:
            self._wish.reply, self._wish.held = decided.reply, decided.held or self._wish.held
            if decided.reply is not None:
                self._wish.changes.clear()
        await self._wire.send(commands.QUIT)
        return self._wish

    async def _tell_all(self) -> None:
        case, wants = self._case, self._wants
        connect = commands.connect(client_name=case.client_name, address=case.peer, port=0)
        await self._tell(Command.CONNECT, connect, macros=about_the_session(case))
        await self._tell(Command.HELO, commands.helo(case.helo), macros=about_tls(case))
        message = {"i": case.trace_id}
        await self._tell(
            Command.MAIL,
            commands.mail(case.reverse_path),
            macros={**message, "{mail_mailer}": "smtp", "{mail_addr}": case.reverse_path},
        )
        if wants(Command.RCPT):
            await self._tell_recipients()
        await self._tell(Command.DATA, Packet(Command.DATA.letter), macros=message)
        end = header_end(case.octets) if begins_with_a_field(case.octets) else 0
        if wants(Command.HEADER):
            header = case.octets[:end]
            packets = commands.header(header, scan_fields(header), steps=self._agreed.steps)
            await self._tell_many(Command.HEADER, packets)
        await self._tell(Command.END_OF_HEADER, Packet(Command.END_OF_HEADER.letter), macros=message)
        if wants(Command.BODY):
            await self._tell_many(
                Command.BODY, commands.body(case.octets, start=_body_start(case.octets, end))
            )
        await self._wire.send(
            commands.macros(Command.END_OF_BODY, message), Packet(Command.END_OF_BODY.letter)
        )
        async for answer in self._wishes():
            self._note(answer)

    def _wants(self, command: Command) -> bool:
        return command.is_sent(self._agreed.steps, version=self._agreed.version)

    async def _tell(self, command: Command, packet: Packet, *, macros: Mapping[str, str]) -> None:
        if not self._wants(command):
            return
        await self._wire.send(commands.macros(command, macros), packet)
        if command.is_answered(self._agreed.steps):
            _go_on(await self._wire.answer())

    async def _tell_many(self, command: Command, packets: Iterable[Packet]) -> None:
        for packet in packets:
            await self._wire.send(packet)
            if command.is_answered(self._agreed.steps):
                answer = await self._wire.answer()
                if answer is Word.SKIP:
                    return
                _go_on(answer)

    async def _tell_recipients(self) -> None:
        """Each may be refused by itself. One that is to come later brings all of it again: there is one reply."""
        for path in self._case.forward_paths:
            about = {"i": self._case.trace_id, "{rcpt_mailer}": "local", "{rcpt_addr}": path}
            await self._wire.send(commands.macros(Command.RCPT, about), commands.rcpt(path))
            if not Command.RCPT.is_answered(self._agreed.steps):
                continue
            answer = await self._wire.answer()
            refusal = (
                REFUSED if answer is Word.REJECT else answer.reply if isinstance(answer, Replied) else None
            )
            if refusal is None or refusal.code < 500:
                _go_on(answer)
            else:
                self._wish.refused[path] = refusal
        if self._wish.refused and len(self._wish.refused) == len(self._case.forward_paths):
            raise _Decided(next(iter(self._wish.refused.values())))

    async def _wishes(self) -> AsyncIterator[FieldAdded | FieldChanged | Quarantined]:
        """What it asks for at the end of the message, up to its decision."""
        while True:
            answer = await self._wire.answer()
            if isinstance(answer, FieldAdded | FieldChanged | Quarantined):
                yield answer
            elif answer is Word.CONTINUE:
                return
            else:
                _go_on(answer)

    def _note(self, answer: FieldAdded | FieldChanged | Quarantined) -> None:
        needed = {FieldAdded: Actions.ADD_HEADERS, FieldChanged: Actions.CHANGE_HEADERS}
        if not self._agreed.actions & needed.get(type(answer), Actions.QUARANTINE):
            raise MilterSyntaxError("It asks for what it said it would not.")
        if isinstance(answer, Quarantined):
            self._wish.held = answer.reason or "it gives no reason"
            return
        changes = self._wish.changes
        changes.append(answer)
        if len(changes) > MAX_CHANGES or _octets_of(changes) > MAX_CHANGED_OCTETS:
            raise MilterSyntaxError("It changes too much.")


def _go_on(answer: Answer) -> None:
    """Raises _Decided where this ends it."""
    match answer:
        case Word.CONTINUE:
            return
        case Word.ACCEPT:
            raise _Decided
        case Word.REJECT:
            raise _Decided(REFUSED)
        case Word.TEMPFAIL | Word.FAIL_CONNECTION | Word.SHUT_DOWN:
            raise _Decided(LATER)
        case Word.DISCARD:
            raise _Decided(held="it would let it vanish without a word")
        case Replied(reply):
            raise _Decided(reply)
    raise MilterSyntaxError("It answers what was not asked.")


def _octets_of(changes: Sequence[HeaderChange]) -> int:
    return sum(len(change.name) + len(change.value) + 4 for change in changes)


def _body_start(octets: bytes, header_ends: int) -> int:
    """Behind the blank line."""
    if octets[header_ends : header_ends + 2] == b"\r\n":
        return header_ends + 2
    return header_ends + 1 if octets[header_ends : header_ends + 1] == b"\n" else header_ends
