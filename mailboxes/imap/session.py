"""One client's connection: its state, what it has selected, what it tells (RFC 3501 section 3)."""

from collections.abc import Collection
from dataclasses import replace

import structlog
from django.db import DatabaseError

from mailboxes.authentication import Principal
from mailboxes.exceptions import MailboxFact
from mailboxes.imap.hearing import EVERYTHING, Hearing
from mailboxes.imap.host import ImapHost
from mailboxes.imap.incoming import Obstacle
from mailboxes.imap.limits import BEFORE_LOGIN
from mailboxes.imap.message_budget import Held
from mailboxes.imap.news import News
from mailboxes.imap.selected import Selected
from mailboxes.mechanisms import offered_mechanisms
from mailboxes.store.select import select_mailbox
from mailhost.net.announcements import Watch
from mailhost.net.connection import Connection
from mailhost.net.store_threads import StoreUnavailable, in_store
from mailhost.protocols.imap.capabilities import capabilities
from mailhost.protocols.imap.enabling import IMPLIES
from mailhost.protocols.imap.framing import (
    SHORT_LITERAL_OCTETS,
    Framer,
    FramingLimits,
)
from mailhost.protocols.imap.names import write_name
from mailhost.protocols.imap.responses import status_line
from mailhost.protocols.imap.states import State

log = structlog.get_logger(__name__)


class Session:
    """See the module. Commands run one after the other; nothing else writes to the connection."""

    __slots__ = (
        "_held",
        "_watch",
        "bad_commands",
        "connection",
        "enabled",
        "framer",
        "host",
        "in_a_row",
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
        self.framer = Framer(self._framing(BEFORE_LOGIN))
        self._held = Held(host.budget)
        self.in_a_row = 0  # commands for which nobody had to wait
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
        self.framer.set_limits(self._framing(self.host.limits.framing))

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
        self.framer.set_limits(self._framing(BEFORE_LOGIN))

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

    # --- reading and the end -----------------------------------------------------------------------------

    def bye(self, text: str, code: str = "") -> None:
        self.write(status_line("*", "BYE", text, code))

    @property
    def silence_seconds(self) -> float:
        limits = self.host.limits
        return limits.login_seconds if self.principal is None else limits.autologout_seconds

    async def read_line(self) -> bytes:
        """A line that belongs to a command under way: SASL, IDLE's DONE. Raises LineTooLong."""
        return await self.connection.read_line(limit=BEFORE_LOGIN.line, timeout=self.silence_seconds)

    async def hold(self, octets: int) -> bool:
        """Wait for room for so many octets of messages; it is kept until the next command is read."""
        seconds = self.host.limits.room_seconds
        return await self._held.take(octets, account_id=self.account_id, timeout=seconds)

    def let_go(self) -> None:
        """No message of a command is held any more."""
        self._held.give_back()
