"""Which names one LIST tells, and what of each (RFC 5258 section 3; RFC 3348, RFC 6154, RFC 9051 section 7.3.1)."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from unicodedata import normalize

from mailboxes.store.mailbox_names import SEPARATOR, may_have_inferiors
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.imap.commands import List
from mailhost.protocols.imap.list_patterns import Patterns
from mailhost.protocols.imap.names import write_name

# Selection options that a name must meet; REMOTE adds nothing here, and RECURSIVEMATCH says what to do about superiors.
CRITERIA = frozenset({"SUBSCRIBED", "SPECIAL-USE"})


@dataclass(frozen=True, slots=True)
class Told:
    """One name that LIST tells. `entry` is None where there is no such mailbox."""

    name: str
    entry: MailboxEntry | None
    attributes: tuple[str, ...] = ()
    childinfo: tuple[str, ...] = ()
    old_name: str = ""
    is_selected: bool = True
    """False where it is told for the sake of inferior names alone."""

    def response(self, *, is_utf8: bool, word: str = "LIST") -> bytes:
        """`* LIST (attributes) "/" name`, with what extended data items there are."""
        items = []
        if self.childinfo:
            options = " ".join(f'"{option}"' for option in self.childinfo)
            items.append(f'"CHILDINFO" ({options})'.encode("ascii"))
        if self.old_name:
            items.append(b'"OLDNAME" (%b)' % write_name(self.old_name, is_utf8=is_utf8))
        head = f'* {word} ({" ".join(self.attributes)}) "{SEPARATOR}" '.encode("ascii")
        tail = b" (%b)" % b" ".join(items) if items else b""
        return head + write_name(self.name, is_utf8=is_utf8) + tail + b"\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """What LIST asks for, as far as it concerns which names are told and how."""

    patterns: tuple[str, ...]
    selection: Set[str] = frozenset()
    returns: Set[str] = frozenset()
    is_extended: bool = False
    switched_off: Set[str] = field(default=frozenset())

    @classmethod
    def by(cls, command: List, *, is_rev2: bool, switched_off: Set[str]) -> "Asked":
        """As the command says. In IMAP4rev2 every LIST is an extended one (RFC 9051 section 6.3.9)."""
        patterns = tuple(normalize("NFC", command.reference + pattern) for pattern in command.patterns)
        is_extended = command.is_extended or is_rev2
        return cls(patterns, command.selection, command.returns, is_extended, switched_off)


class Listing:
    """All names of an account, looked at for one LIST. However deep they are, it costs their lengths together."""

    def __init__(self, entries: Iterable[MailboxEntry], asked: Asked) -> None:
        entries = list(entries)
        self.asked = asked
        self.existing = {entry.name: entry for entry in entries if entry.exists}
        self.subscribed = {entry.name for entry in entries if entry.is_subscribed}
        self.with_inferiors = superiors_of(self.existing)
        self.criteria = asked.selection & CRITERIA
        self.above_selected: Set[str] = frozenset()
        if "RECURSIVEMATCH" in asked.selection:
            self.above_selected = superiors_of(filter(self._is_selected, {*self.existing, *self.subscribed}))

    def told(self) -> list[Told]:
        """What the LIST tells, by name."""
        patterns = Patterns(self.asked.patterns)
        candidates = {*self.existing, *self.with_inferiors, *self.subscribed, *self.above_selected}
        matching = {name for name in candidates if patterns.match(name)}
        return [self.tell(name) for name in sorted(self._chosen(matching))]

    def _chosen(self, matching: Set[str]) -> Iterable[str]:
        """RFC 5258 section 3.3: a name that is selected, or one above a selected name that the patterns leave out."""
        if not self.criteria and not self.asked.is_extended:
            return matching & ({*self.existing} | self.with_inferiors)  # RFC 3501 section 6.3.8: levels too
        selected = {name for name in {*self.existing, *self.subscribed} if self._is_selected(name)}
        chosen = matching & selected
        if not self.criteria or "RECURSIVEMATCH" in self.asked.selection:
            chosen |= matching & superiors_of(selected - matching)
        return chosen

    def _is_selected(self, name: str) -> bool:
        entry = self.existing.get(name)
        if "SUBSCRIBED" in self.criteria and name not in self.subscribed:
            return False
        if "SPECIAL-USE" in self.criteria and not (entry and entry.special_use):
            return False
        return entry is not None or "SUBSCRIBED" in self.criteria

    def tell(self, name: str, *, old_name: str = "") -> Told:
        """One name with all that is told of it."""
        entry = self.existing.get(name)
        returns, off = self.asked.returns | self.asked.selection, self.asked.switched_off
        attributes = []
        if entry is None:
            # It says the same and more, but older clients know \Noselect alone; RFC 5258 section 6 allows one of them.
            attributes.append("\\NonExistent" if self.asked.is_extended else "\\Noselect")
        else:
            # RFC 5819 section 2: who may look it up and not read it cannot select it.
            attributes += [] if "r" in entry.rights else ["\\Noselect"]
            attributes += [] if may_have_inferiors(name) else ["\\Noinferiors"]
        if "CHILDREN" not in off or "CHILDREN" in returns:
            attributes.append("\\HasChildren" if name in self.with_inferiors else "\\HasNoChildren")
        if "SUBSCRIBED" in returns and name in self.subscribed:
            attributes.append("\\Subscribed")
        # RFC 6154 section 2 lets plain LIST tell special use, which is how older clients find Sent and Trash.
        if entry is not None and entry.special_use and "SPECIAL-USE" not in off:
            attributes.append(entry.special_use)
        childinfo = tuple(sorted(self.criteria)) if name in self.above_selected else ()
        return Told(name, entry, tuple(attributes), childinfo, old_name, self._is_selected(name))


def superiors_of(names: Iterable[str]) -> set[str]:
    """The names above these. Each is made once: from the inside out, until one is met that is known already."""
    superiors: set[str] = set()
    for name in names:
        end = name.rfind(SEPARATOR)
        while end > 0 and (superior := name[:end]) not in superiors:
            superiors.add(superior)
            end = name.rfind(SEPARATOR, 0, end)
    return superiors


def exactly(name: str, entries: Sequence[MailboxEntry], *, old_name: str) -> Told:
    """The LIST response that says what a name is called now (RFC 9051 section 6.3.9.7)."""
    return Listing(entries, Asked((), is_extended=True)).tell(
        name, old_name=old_name if old_name != name else ""
    )
