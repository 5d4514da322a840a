"""What NOTIFY asked for (RFC 5465), as far as a session has to know of it."""

from collections.abc import Collection, Sequence
from typing import Protocol

from mailboxes.imap.hearing import Hearing
from mailboxes.imap.selected import Selected
from mailhost.protocols.imap.commands import Command


class News(Protocol):
    """Kept up by notifying.py. A session without it hears of its selected mailbox alone."""

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
