"""What the store is held against: accounts, mailboxes and messages as plain dictionaries, with the same verbs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from mailboxes.exceptions import (
    InboxIsPermanent,
    MailboxExists,
    MailboxHasInferiors,
    MailboxNameInvalid,
    MailboxNotFound,
)
from mailboxes.store.flags import Mode
from mailboxes.store.values import Flag, MailboxEntry


@dataclass(frozen=True)
class Letter:
    """A message: what STORE changes, and its size."""

    flags: int
    keywords: tuple[str, ...]
    size_octets: int


@dataclass
class Box:
    """A mailbox: what is there, and what was."""

    mailbox_id: int
    name: str
    is_subscribed: bool
    uid_next: int = 1
    letters: dict[int, Letter] = field(default_factory=dict)
    gone: dict[int, Letter] = field(default_factory=dict)

    def arrive(self, letters: Iterable[Letter]) -> list[int]:
        """New UIDs for these."""
        uids = []
        for letter in letters:
            self.letters[self.uid_next] = letter
            uids.append(self.uid_next)
            self.uid_next += 1
        return uids

    def vanish(self, uids: Iterable[int]) -> list[Letter]:
        """What stands under these UIDs goes."""
        letters = []
        for uid in uids:
            self.gone[uid] = self.letters.pop(uid)
            letters.append(self.gone[uid])
        return letters

    def present(self, uids: Iterable[int]) -> list[int]:
        """Those of these UIDs that are here, in their order."""
        return sorted(set(uids) & set(self.letters))

    def store(self, uids: Sequence[int], mode: Mode, flags: Flag, words: Sequence[str]) -> list[int]:
        """The UIDs that changed."""
        changed = []
        for uid in self.present(uids):
            before = self.letters[uid]
            self.letters[uid] = _stored(before, mode, flags, words)
            if self.letters[uid] != before:
                changed.append(uid)
        return changed


@dataclass
class Household:
    """One account's mailboxes by name, and the names that are remembered of deleted ones."""

    account_id: int
    boxes: dict[str, Box]
    deleted: list[Box] = field(default_factory=list)
    subscribed_though_gone: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, account_id: int, entries: Iterable[MailboxEntry]) -> "Household":
        """As a new account has it."""
        return cls(
            account_id, {each.name: Box(each.mailbox_id, each.name, each.is_subscribed) for each in entries}
        )

    def find(self, name: str) -> Box:
        if name not in self.boxes:
            raise MailboxNotFound(name)
        return self.boxes[name]

    def create(self, name: str) -> Box:
        """The mailbox, and its missing superiors; without ids: the store gives those."""
        if name in self.boxes:
            raise MailboxExists(name)
        for superior in superiors(name):
            if superior not in self.boxes:
                self._settle(Box(0, superior, is_subscribed=False), superior)
        return self._settle(Box(0, name, is_subscribed=False), name)

    def delete(self, name: str) -> None:
        if name not in self.boxes and self.family(name):
            raise MailboxHasInferiors(name)
        box = self.find(name)
        if name == "INBOX":
            raise InboxIsPermanent
        box.vanish(list(box.letters))
        self.deleted.append(self.boxes.pop(name))
        if box.is_subscribed:
            self.subscribed_though_gone.add(name)

    def rename(self, name: str, to: str) -> None:
        if name == "INBOX":
            box = self.find(name)
            self.create(to).arrive(box.vanish(sorted(box.letters)))
            return
        family = self.family(name)
        if not family:
            raise MailboxNotFound(name)
        if to.startswith(name + "/"):
            raise MailboxNameInvalid(to)
        renamed = {each: to + each[len(name) :] for each in family}
        if to == name or to in self.boxes or (set(self.boxes) - set(family)) & set(renamed.values()):
            raise MailboxExists(to)
        moving = {renamed[each]: self.boxes.pop(each) for each in family}
        for new_name, each_box in moving.items():
            self._settle(each_box, new_name)
        for superior in superiors(to):
            if superior not in self.boxes:
                self._settle(Box(0, superior, is_subscribed=False), superior)

    def family(self, name: str) -> list[str]:
        """The name, if there is such a mailbox, and those below it."""
        return [each for each in self.boxes if (each + "/").startswith(name + "/")]

    def subscribe(self, name: str, *, is_subscribed: bool) -> None:
        if name in self.boxes:
            self.boxes[name].is_subscribed = is_subscribed
        elif is_subscribed or name not in {each.name for each in self.deleted}:
            raise MailboxNotFound(name)
        if not is_subscribed:
            self.subscribed_though_gone.discard(name)

    def _settle(self, box: Box, name: str) -> Box:
        """A name that comes back is subscribed as it was."""
        box.is_subscribed = box.is_subscribed or name in self.subscribed_though_gone
        self.subscribed_though_gone.discard(name)
        box.name = name
        self.boxes[name] = box
        return box


def superiors(name: str) -> list[str]:
    levels = name.split("/")
    return ["/".join(levels[:depth]) for depth in range(1, len(levels))]


def each_once(words: Sequence[str]) -> tuple[str, ...]:
    """Keywords compare caselessly, and the first spelling stays."""
    kept: dict[str, str] = {}
    for word in words:
        kept.setdefault(word.lower(), word)
    return tuple(kept.values())


def _stored(letter: Letter, mode: Mode, flags: Flag, words: Sequence[str]) -> Letter:
    if mode == "replace":
        return replace(letter, flags=int(flags), keywords=each_once(words))
    if mode == "add":
        keywords = each_once([*letter.keywords, *words])
        return replace(letter, flags=letter.flags | flags, keywords=keywords)
    gone = {word.lower() for word in words}
    keywords = tuple(word for word in letter.keywords if word.lower() not in gone)
    return replace(letter, flags=letter.flags & ~flags, keywords=keywords)
