"""What the index says of SEARCH's text keys: the messages that have it, those that may have it, and the key by UIDs."""

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from mailboxes.store.search_segments import Flags, uid_ranges, uids_at
from mailhost.protocols.imap.search_keys import And, HeaderHolds, Not, Or, SearchKey, TextHolds, Uids

Leaf = HeaderHolds | TextHolds
Ranges = list[tuple[int, int]]


class _Part(NamedTuple):
    """What was found in one segment."""

    uids: "array[int]"
    found: Flags
    maybe: Flags


@dataclass(slots=True)
class Answer:
    """The messages that have what a key asks for, and those that may have it."""

    _parts: list[_Part] = field(default_factory=list)

    def add(self, uids: "array[int]", found: Flags, maybe: Flags) -> None:
        """`maybe` may include `found`."""
        if found | maybe:
            self._parts.append(_Part(uids, found, maybe & ~found))

    @property
    def is_certain(self) -> bool:
        return not any(part.maybe for part in self._parts)

    def uids(self) -> list[int]:
        """Of those found, ascending."""
        return [uid for part in self._parts for uid in uids_at(part.found, part.uids)]

    def found(self) -> Ranges:
        """Half-open ranges of UIDs that cover no other indexed message."""
        return [each for part in self._parts for each in uid_ranges(part.found, part.uids)]

    def maybe(self) -> Ranges:
        """The others, likewise."""
        return [each for part in self._parts for each in uid_ranges(part.maybe, part.uids)]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What the index says about messages with UIDs up to `indexed_to`."""

    indexed_to: int
    last_uid: int  # of the mailbox
    may_have_gone: bool  # messages that it knows
    answers: dict[Leaf, Answer]

    def resolved(self, key: SearchKey) -> SearchKey:
        """Its text keys as UIDs; what is not certain is still asked of the messages, but after the UIDs."""
        match key:
            case And(keys) | Or(keys):
                return type(key)(tuple(self.resolved(each) for each in keys))
            case Not(inner):
                return Not(self.resolved(inner))
            case HeaderHolds() | TextHolds():
                answer = self.answers[key]
                found = Uids(tuple(answer.found()))
                if answer.is_certain:
                    return found
                return Or((found, And((Uids(tuple(answer.maybe())), key))))
            case _:
                return key
