"""One client's connection: its state, what it has selected, what it tells (RFC 3501 section 3)."""

import asyncio
import ssl
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog
from django.db import DatabaseError
from django.utils import timezone

from mailboxes.authentication import Principal
from mailboxes.exceptions import MailboxFact
from mailboxes.imap.account_sessions import AccountSessions
from mailboxes.imap.arriving import Arriving
from mailboxes.imap.hearing import EVERYTHING, Hearing
from mailboxes.imap.incoming import Obstacle, obstacle
from mailboxes.imap.limits import BEFORE_LOGIN, LINE_SLACK, SessionLimits
from mailboxes.imap.message_budget import Held, MessageBudget
from mailboxes.imap.selected import Selected
from mailboxes.imap.view import SharedViews
from mailboxes.known_logins import KnownLogins
from mailboxes.mechanisms import offered_mechanisms
from mailboxes.store.select import select_mailbox
from mailhost.net.announcements import Watch, Watcher
from mailhost.net.connection import Connection
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.net.stream.interruptions import ConnectionLost, LineTooLong
from mailhost.protocols.imap.capabilities import capabilities
from mailhost.protocols.imap.commands import Command
from mailhost.protocols.imap.enabling import IMPLIES
from mailhost.protocols.imap.framing import (
    NO_ROOM,
    NOT_TAKEN,
    SHORT_LITERAL_OCTETS,
    CommandText,
    CommandTooBig,
    Framer,
    FramingLimits,
    LiteralFollows,
)
from mailhost.protocols.imap.names import write_name
from mailhost.protocols.imap.responses import continuation, status_line
from mailhost.protocols.imap.states import State

SEARCHES_AT_ONCE = 2
MAX_SKIPPED_BEFORE_LOGIN = 65_536
COMMANDS_IN_A_ROW = 16  # that are here already; then other sessions have their turn (a NOOP takes 0.1 ms)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ImapHost:
    """What all sessions of a process share."""

    limits: SessionLimits
    watcher: Watcher
    budget: MessageBudget
    accounts: AccountSessions
    arriving: Arriving
    logins: KnownLogins
    tls: ssl.SSLContext | None = None
    allow_plaintext_login: bool = False  # on loopback alone
    switched_off: frozenset[str] = frozenset()  # capabilities
    views: SharedViews = field(default_factory=SharedViews)
    # Searches that read messages take seconds of a store thread: they must leave most of them to everybody else.
    searching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SEARCHES_AT_ONCE))


class News(Protocol):
    """What NOTIFY asked for (notifying.py), as far as a session has to know of it."""

    hearing: Hearing

    @property
    def is_behind(self) -> bool:
        """Whether something is to be looked at."""

    def left(self, selected: Selected) -> None:
        """The mailbox is not selected any more."""

    def note_own(self, command: Command) -> None:
        """The client's own command did what it says."""

    def note_own_arrivals(self, name: str, uids: Collection[int]) -> None:
        """The client's own command put messages there."""

    async def tell(self) -> None:
        """Tell what is new in mailboxes that are not selected."""

    async def tell_new_messages(self, uids: Sequence[int]) -> None:
        """Tell what was asked for of messages that came into the selected mailbox."""

    def close(self) -> None:
        """Watch nothing any more."""


class Session:
    """See the module. Commands run one after the other; nothing else writes to the connection."""

    __slots__ = (
        "_framer",
        "_held",
        "_in_a_row",
        "_watch",
        "bad_commands",
        "connection",
        "enabled",
        "host",
        "login_failures",
        "news",
        "obstacle",
        "principal",
        "selected",
        "state",
        "tag",
    )

    def __init__(self, connection: Connection, host: ImapHost) -> None:
        self.connection = connection
        self.host = host
        self.state = State.NOT_AUTHENTICATED
        self.principal: Principal | None = None
        self.selected: Selected | None = None
        self.tag = "*"  # of the command that runs
        self.enabled: set[str] = set()  # modes: what ENABLE, or a command that implies it, has switched on
        self.bad_commands = 0  # since the last one that was understood
        self.login_failures = 0
        self.news: News | None = None  # once NOTIFY was used
        self.obstacle: Obstacle | None = None  # why the last command's message was not taken
        self._framer = Framer(self._framing(BEFORE_LOGIN))
        self._held = Held(host.budget)
        self._in_a_row = 0  # commands for which nobody had to wait
        self._watch: Watch | None = None

    # --- what commands ask -----------------------------------------------------------------------------------

    @property
    def account_id(self) -> int:
        assert self.principal is not None
        return self.principal.account_id

    @property
    def mailbox(self) -> Selected:
        """The selected mailbox, in commands that are legal only with one."""
        assert self.selected is not None
        return self.selected

    @property
    def hearing(self) -> Hearing:
        """What is told of the selected mailbox."""
        return EVERYTHING if self.news is None else self.news.hearing

    @property
    def is_behind(self) -> bool:
        """Whether something was announced that could not be looked at yet."""
        return (self.selected is not None and self.selected.is_behind) or (
            self.news is not None and self.news.is_behind
        )

    @property
    def may_log_in(self) -> bool:
        """Passwords travel under TLS; without it on loopback alone, where the setting allows it."""
        return self.connection.is_tls or (self.host.allow_plaintext_login and self.connection.is_loopback)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """What AUTHENTICATE takes right now."""
        if not self.may_log_in:
            return ()
        offered = offered_mechanisms(end_points=self.connection.end_points)
        off = self.switched_off
        return tuple([name for name in offered if f"AUTH={name}" not in off]) if off else offered

    @property
    def capabilities(self) -> str:
        return capabilities(
            self.state,
            may_start_tls=self.host.tls is not None and not self.connection.is_tls,
            may_log_in=self.may_log_in,
            mechanisms=self.mechanisms if self.principal is None else (),  # told before the login alone
            switched_off=self.switched_off,
            append_limit=self.host.limits.framing.message,
        )

    @property
    def switched_off(self) -> frozenset[str]:
        """Capabilities that are neither told nor served: here at all, or to this account."""
        own = self.principal.imap_switched_off if self.principal is not None else None
        return self.host.switched_off | own if own else self.host.switched_off

    def enable(self, word: str) -> None:
        """The mode holds from now on (RFC 5161), with what it implies."""
        new = {word, *IMPLIES.get(word, ())} - self.enabled
        self.enabled |= new
        if "CONDSTORE" in new and self.selected is not None:
            # The client counts from here: what came before carried no mod-sequences.
            modseq = self.selected.told_modseq
            self.write(status_line("*", "OK", "The newest change.", f"HIGHESTMODSEQ {modseq}"))

    @property
    def has_utf8_names(self) -> bool:
        """Whether mailbox names travel as UTF-8: RFC 6855 section 3, RFC 9051 section 5.1."""
        return not self.enabled.isdisjoint({"IMAP4rev2", "UTF8=ACCEPT"})

    def wire_name(self, name: str) -> bytes:
        """A mailbox name as this client reads it, ready for a response."""
        return write_name(name, is_utf8=self.has_utf8_names)

    def write(self, octets: bytes) -> None:
        self.connection.write(octets)

    async def tell(self, octets: bytes) -> None:
        """Write a response that goes out with the tagged reply behind it, or sooner where there is much."""
        await self.connection.tell(octets)

    async def send(self, octets: bytes) -> None:
        """Write, and wait until the client has taken enough of it."""
        await self.connection.send(octets)

    def enter(self, principal: Principal) -> None:
        """Signed in: the account's sessions have admitted this one."""
        self.principal = principal
        self.state = State.AUTHENTICATED
        self._framer.set_limits(self._framing(self.host.limits.framing))

    def _framing(self, limits: FramingLimits) -> FramingLimits:
        """With what this connection may send without waiting for our "+" (RFC 7888)."""
        if "LITERAL+" not in self.switched_off:
            return limits
        return replace(
            limits, non_synchronising=-1 if "LITERAL-" in self.switched_off else SHORT_LITERAL_OCTETS
        )

    def leave(self) -> None:
        """As if nobody had signed in on this connection (RFC 8437 section 3): modes too are forgotten."""
        self.listen_to(None)
        self.forget_mailbox()
        if self.principal is not None:
            self.host.accounts.release(self.principal.account_id)
        self.principal = None
        self.state = State.NOT_AUTHENTICATED
        self.enabled.clear()
        self._framer.set_limits(self._framing(BEFORE_LOGIN))

    def listen_to(self, news: News | None) -> None:
        """From now on these are told, in the place of those before; without any, as if NOTIFY were unknown."""
        if self.news is not None:
            self.news.close()
        self.news = news
        if self.selected is not None:
            self.selected.hearing = self.hearing

    def select(self, selected: Selected) -> None:
        selected.hearing = self.hearing
        self.selected = selected
        self.state = State.SELECTED
        # Watched only now that the row was read: `is_stale` makes the first command look once more.
        self._watch = self.host.watcher.watch(selected.mailbox_id, self._mailbox_changed)

    def _mailbox_changed(self) -> None:
        if self.selected is not None:
            self.selected.is_stale = True
        self.connection.nudge()

    async def deselect(self) -> None:
        """Back to the authenticated state; what was told as arrived is \\Recent to nobody any more."""
        selected = self.selected
        self.forget_mailbox()
        if selected is None or not selected.has_told_recent or selected.is_read_only:
            return
        if selected.visitor_id is not None:  # \Recent is the owner's to claim
            return
        try:
            await in_store(select_mailbox, account_id=self.account_id, name=selected.name, claim_recent=True)
        except (MailboxFact, StoreUnavailable, DatabaseError) as error:
            log.info("recent not claimed", error=str(error))  # it is told once more; nobody loses anything

    def forget_mailbox(self) -> None:
        """As deselect, without a word to the store."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self.news is not None and self.selected is not None:
            self.news.left(self.selected)
        self.selected = None
        if self.state is State.SELECTED:
            self.state = State.AUTHENTICATED

    def note_own_arrivals(self, name: str, uids: Collection[int]) -> None:
        """A command of this session put messages into the mailbox that it calls so: that is no news to its client."""
        if self.news is not None:
            self.news.note_own_arrivals(name, uids)

    # --- changes ---------------------------------------------------------------------------------------------

    async def tell_changes(
        self, *, may_tell_expunges: bool, is_asked: bool = False, must_tell_expunges: bool = False
    ) -> None:
        """Tell what is new in the selected mailbox; `is_asked` looks even where nobody announced anything.

        RFC 3501 section 5.5: a client must wait for the reply before it counts on sequence numbers again. For those
        that do not, EXPUNGE waits while another command is here already: it was written with the numbers of before.
        `must_tell_expunges` is for commands that are about expunging, and end with it.

        While the store is away nothing is told: the next command will look again. After NOTIFY also what is new
        elsewhere, and no more than was asked for.
        """
        if self.selected is not None:
            may_tell_expunges = must_tell_expunges or (may_tell_expunges and not self._may_count_on_numbers)
            await self._tell_of_selected(self.selected, may_tell_expunges, is_asked)
        if self.news is not None:
            await self.news.tell()

    @property
    def _may_count_on_numbers(self) -> bool:
        """Whether a command is here already that was written with the sequence numbers of now."""
        return self.connection.has_line and "UIDONLY" not in self.enabled

    async def _tell_of_selected(self, selected: Selected, may_tell_expunges: bool, is_asked: bool) -> None:
        contexts = selected.contexts
        try:
            if is_asked or selected.is_stale:
                await selected.sync()
            answers = []
            if contexts:
                answers = await contexts.look_again(
                    selected.mailbox_id, now=timezone.now(), searching=self.host.searching
                )
        except (StoreUnavailable, DatabaseError) as error:
            log.info("changes not looked at", error=str(error))
            return
        told = selected.tell(may_tell_expunges=may_tell_expunges, answers=answers)
        if told:
            await self.send(told)
        if selected.arrivals and self.news is not None:
            arrivals, selected.arrivals = selected.arrivals, []
            await self.news.tell_new_messages(arrivals)

    # --- reading and the end -----------------------------------------------------------------------------

    def bye(self, text: str, code: str = "") -> None:
        self.write(status_line("*", "BYE", text, code))

    @property
    def _silence_seconds(self) -> float:
        limits = self.host.limits
        return limits.login_seconds if self.principal is None else limits.autologout_seconds

    async def read_line(self) -> bytes:
        """A line that belongs to a command under way: SASL, IDLE's DONE. Raises LineTooLong."""
        return await self.connection.read_line(limit=BEFORE_LOGIN.line, timeout=self._silence_seconds)

    async def read_command(self) -> CommandText | CommandTooBig:
        self.let_go()
        await self._take_turns()
        framing = BEFORE_LOGIN if self.principal is None else self.host.limits.framing
        while True:
            try:
                line = await self.connection.read_line(
                    limit=framing.line * LINE_SLACK, timeout=self._silence_seconds
                )
            except LineTooLong:
                return self._framer.refuse_line(b"")
            event = self._framer.feed_line(line)
            if isinstance(event, LiteralFollows) and event.is_kept and event.is_message:
                event = await self._expect_message(event)
            if not isinstance(event, LiteralFollows):
                return event
            if event.is_synchronising:
                await self.send(continuation("Ready for the literal"))
            await self._read_literal(event)

    async def _take_turns(self) -> None:
        """A client that sends thousands of commands at once, compressed even millions, must not keep the loop."""
        self._in_a_row = self._in_a_row + 1 if self.connection.has_line else 0
        if self._in_a_row >= COMMANDS_IN_A_ROW:
            self._in_a_row = 0
            await asyncio.sleep(0)

    async def _expect_message(self, literal: LiteralFollows) -> LiteralFollows | CommandTooBig:
        """With room for it in memory; or it is not read at all, or read past."""
        account_id, has_utf8_names = self.account_id, self.has_utf8_names
        self.obstacle = await obstacle(
            self._framer, literal, account_id=account_id, has_utf8_names=has_utf8_names
        )
        if self.obstacle is not None:
            return self._framer.refuse_literal(literal, NOT_TAKEN)
        return literal if await self.hold(literal.size) else self._framer.refuse_literal(literal, NO_ROOM)

    async def hold(self, octets: int) -> bool:
        """Wait for room for so many octets of messages; it is kept until the next command is read."""
        seconds = self.host.limits.room_seconds
        return await self._held.take(octets, account_id=self.account_id, timeout=seconds)

    def let_go(self) -> None:
        """No message of a command is held any more."""
        self._held.give_back()

    async def _read_literal(self, literal: LiteralFollows) -> None:
        seconds = self.host.limits.literal_seconds
        if literal.is_kept:
            self._framer.feed_literal(await self.connection.read_exactly(literal.size, timeout=seconds))
            return
        # RFC 7888 section 4: too big and already on its way. Read past it, or give up where that takes too long.
        bound = MAX_SKIPPED_BEFORE_LOGIN if self.principal is None else 2 * self.host.limits.framing.message
        if literal.size > bound:
            self.bye("The literal is too big", "TOOBIG")
            raise ConnectionLost("a literal that is far too big")
        async for _ in self.connection.read_chunks(literal.size, timeout=seconds):
            pass
