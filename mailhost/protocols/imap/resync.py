"""Arguments of CONDSTORE and QRESYNC (RFC 7162 section 7), and the sets of UIDs that they answer with."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from mailhost.protocols.imap.cursor import Cursor
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.sequence_sets import SequenceSet, take_sequence_set

# mod-sequence-valzer = "0" / mod-sequence-value; mod-sequence-value = 1*DIGIT, 63 bits
_MOD_SEQUENCE = re.compile(rb"[0-9]{1,19}")
MAX_MOD_SEQUENCE = (1 << 63) - 1
# Section 4 bounds a command at 8192 octets; we bound what we answer alike.
OCTETS_IN_SET = 8_000
MAX_PAIRS = 100_000  # clients send a few dozen; a set of ranges may name billions


@dataclass(frozen=True, slots=True)
class Resync:
    """What the client still knows of the mailbox that it selects (section 3.2.5)."""

    uid_validity: int
    modseq: int
    known_uids: SequenceSet | None = None
    # Sequence numbers and the UIDs that the client knows under them, ascending (section 3.2.5.2).
    known_pairs: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class SelectParameters:
    is_condstore: bool = False
    resync: Resync | None = None


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """FETCH's modifier: messages with a higher mod-sequence alone, and UIDs that have vanished since."""

    modseq: int
    with_vanished: bool = False


def take_mod_sequence(cursor: Cursor, *, may_be_zero: bool = True) -> int:
    number = int(cursor.take(_MOD_SEQUENCE, "a mod-sequence"))
    if number > MAX_MOD_SEQUENCE or not (number or may_be_zero):
        raise ImapSyntaxError("the mod-sequence is out of range")
    return number


def take_select_parameters(cursor: Cursor) -> SelectParameters:
    """[SP "(" select-param *(SP select-param) ")"], each once."""
    if cursor.is_at_end or not cursor.comes(b" ("):
        return SelectParameters()
    cursor.space()
    found: dict[str, Resync | None] = {}

    def take(inner: Cursor) -> None:
        word = inner.word("a parameter")
        if word in found:
            raise ImapSyntaxError(f"{word} is given twice")
        if word == "CONDSTORE":
            found[word] = None
        elif word == "QRESYNC":
            inner.space()
            found[word] = _take_resync(inner)
        else:
            raise ImapSyntaxError(f"{word[:40]} is not a parameter of SELECT")

    cursor.parenthesised(take, "a parameter")
    return SelectParameters("CONDSTORE" in found, found.get("QRESYNC"))


def _take_resync(cursor: Cursor) -> Resync:
    """ "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"."""
    cursor.expect(b"(")
    uid_validity = cursor.number("a UIDVALIDITY")
    cursor.space()
    modseq = take_mod_sequence(cursor, may_be_zero=False)
    known_uids = None
    pairs: tuple[tuple[int, int], ...] = ()
    if cursor.take_if(b" ") and not cursor.comes(b"("):
        known_uids = _take_closed_set(cursor)
        cursor.take_if(b" ")
    if cursor.comes(b"("):
        pairs = _take_pairs(cursor)
    cursor.expect(b")")
    return Resync(uid_validity, modseq, known_uids, pairs)


def _take_pairs(cursor: Cursor) -> tuple[tuple[int, int], ...]:
    """seq-match-data = "(" known-sequence-set SP known-uid-set ")": as many numbers as UIDs, ascending."""
    cursor.expect(b"(")
    numbers = _take_closed_set(cursor)
    cursor.space()
    uids = _take_closed_set(cursor)
    cursor.expect(b")")
    if _count(numbers) != _count(uids):
        raise ImapSyntaxError("not as many sequence numbers as UIDs")
    if _count(numbers) > MAX_PAIRS:
        raise ImapSyntaxError("too many sequence numbers")
    pairs = tuple(zip(_each(numbers), _each(uids), strict=True))
    if any(a >= c or b >= d for (a, b), (c, d) in pairwise(pairs)):
        raise ImapSyntaxError("the known sequence numbers and UIDs do not ascend")
    return pairs


def _count(numbers: SequenceSet) -> int:
    return sum(abs(a - b) + 1 for a, b in numbers.ranges)


def _each(numbers: SequenceSet) -> Iterator[int]:
    for a, b in numbers.ranges:
        yield from range(min(a, b), max(a, b) + 1)


def _take_closed_set(cursor: Cursor) -> SequenceSet:
    """A sequence-set without `*` (section 7)."""
    found = take_sequence_set(cursor)
    if found.is_saved or any(not (a and b) for a, b in found.ranges):
        raise ImapSyntaxError("a set of what is known holds no * and no $")
    return found


def take_unchanged_since(cursor: Cursor) -> int | None:
    """STORE's ["(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")" SP]."""
    if not cursor.take_if(b"("):
        return None
    cursor.expect(b"UNCHANGEDSINCE ")
    modseq = take_mod_sequence(cursor)
    cursor.expect(b")")
    cursor.space()
    return modseq


def vanished(ranges: Iterable[tuple[int, int]], *, is_earlier: bool = False) -> Iterator[bytes]:
    """`* VANISHED [(EARLIER)] uids` for closed ranges of UIDs (section 3.2.10), as many lines as it takes."""
    head = b"* VANISHED (EARLIER) " if is_earlier else b"* VANISHED "
    words: list[bytes] = []
    octets = 0
    for low, high in ranges:
        word = b"%d" % low if low == high else b"%d:%d" % (low, high)
        if octets + len(word) >= OCTETS_IN_SET:
            yield head + b",".join(words) + b"\r\n"
            words, octets = [], 0
        words.append(word)
        octets += len(word) + 1
    if words:
        yield head + b",".join(words) + b"\r\n"


def runs(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending numbers as closed ranges."""
    start = end = 0
    for uid in uids:
        if start and uid == end + 1:
            end = uid
            continue
        if start:
            yield start, end
        start = end = uid
    if start:
        yield start, end
