"""LIST (RFC 3501 section 6.3.8; RFC 5258 options, RFC 3348 children, RFC 6154 special use, RFC 5819 STATUS)."""

from collections.abc import Iterator, Sequence
from unicodedata import normalize

from mailboxes.imap.commands.status import count_recent, status_response
from mailboxes.imap.session import Session
from mailboxes.store.hierarchy import list_mailboxes
from mailboxes.store.values import MailboxEntry
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.commands import List
from mailhost.protocols.imap.list_patterns import matches
from mailhost.protocols.imap.responses import Reply, astring, ok, untagged
from mailhost.protocols.imap.utf7 import encode_name


async def list_(session: Session, command: List) -> Reply:
    if command.patterns == ("",) and not command.is_extended:
        session.write(untagged('LIST (\\Noselect) "/" ""'))  # asks for the separator alone
        return ok("")
    entries, recent_counts = await in_store(_look, session.account_id, command)
    answer = _Answer(command, entries)
    for name in answer.names():
        session.write(answer.response(name))
        entry = answer.existing.get(name)
        if entry is not None and command.status_items:
            session.write(status_response(entry, command.status_items, recent_counts.get(name, 0)))
    await session.connection.drain()
    return ok("")


def _look(account_id: int, command: List) -> tuple[Sequence[MailboxEntry], dict[str, int]]:
    entries = list_mailboxes(account_id=account_id)
    if "RECENT" not in command.status_items:
        return entries, {}
    return entries, {entry.name: count_recent(entry) for entry in entries if entry.exists}


class _Answer:
    """Which names one LIST tells, and with which attributes."""

    def __init__(self, command: List, entries: Sequence[MailboxEntry]) -> None:
        self.command = command
        self.patterns = [normalize("NFC", command.reference + pattern) for pattern in command.patterns]
        self.existing = {entry.name: entry for entry in entries if entry.exists}
        self.subscribed = {entry.name for entry in entries if entry.is_subscribed}
        self.with_children = {superior for name in self.existing for superior in superiors(name)}
        # Selection options that narrow; REMOTE has nothing to add here, RECURSIVEMATCH is looked at below.
        self.narrowing = command.selection & {"SUBSCRIBED", "SPECIAL-USE"}
        self.above_selected: set[str] = set()
        if "RECURSIVEMATCH" in command.selection:
            selected = [name for name in {*self.existing, *self.subscribed} if self._is_selected(name)]
            self.above_selected = {superior for name in selected for superior in superiors(name)}

    def names(self) -> list[str]:
        names = {*self.existing, *self.with_children}
        if "SUBSCRIBED" in self.command.selection:
            names |= self.subscribed | self.above_selected
        return sorted(
            name
            for name in names
            if (self._is_selected(name) or name in self.above_selected)
            and any(matches(pattern, name) for pattern in self.patterns)
        )

    def _is_selected(self, name: str) -> bool:
        if "SUBSCRIBED" in self.narrowing and name not in self.subscribed:
            return False
        if "SPECIAL-USE" in self.narrowing:
            return name in self.existing and bool(self.existing[name].special_use)
        return True

    def response(self, name: str) -> bytes:
        entry = self.existing.get(name)
        attributes = []
        if entry is None:
            # RFC 5258 section 3: \NonExistent implies \Noselect, but older clients know that one alone.
            attributes += ["\\NonExistent", "\\Noselect"] if self.command.is_extended else ["\\Noselect"]
        attributes.append("\\HasChildren" if name in self.with_children else "\\HasNoChildren")
        wants_subscribed = "SUBSCRIBED" in self.command.selection | self.command.returns
        if wants_subscribed and name in self.subscribed:
            attributes.append("\\Subscribed")
        # RFC 6154 section 2 lets plain LIST tell special use, which is how older clients find Sent and Trash.
        if entry is not None and entry.special_use:
            attributes.append(entry.special_use)
        response = list_response("LIST", name, attributes)
        if name in self.above_selected:
            tags = " ".join(f'"{option}"' for option in sorted(self.narrowing))
            response = response.removesuffix(b"\r\n") + f' ("CHILDINFO" ({tags}))\r\n'.encode("ascii")
        return response


def superiors(name: str) -> Iterator[str]:
    """The names above this one, from the top."""
    levels = name.split("/")
    for depth in range(1, len(levels)):
        yield "/".join(levels[:depth])


def list_response(word: str, name: str, attributes: Sequence[str]) -> bytes:
    """`* LIST (attributes) "/" name`."""
    head = f'* {word} ({" ".join(attributes)}) "/" '.encode("ascii")
    return head + astring(encode_name(name)) + b"\r\n"
