"""ESEARCH and SEARCH responses in wire form (RFC 3501 section 7.2.5, RFC 4731, RFC 7162 section 3.1.5, RFC 9394)."""

from collections.abc import Sequence

from mailhost.protocols.imap.search_options import ReturnOptions
from mailhost.protocols.imap.sequence_sets import format_set


def search_response(word: str, numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """`* SEARCH …` and `* SORT …`; the mod-sequence stands there only where something was found (RFC 7162)."""
    told = b"".join(b" %d" % number for number in numbers)
    ending = b" (MODSEQ %d)" % modseq if modseq is not None and numbers else b""
    return b"* %b%b%b\r\n" % (word.encode("ascii"), told, ending)


def esearch_response(
    tag: str, data: Sequence[str], *, by_uid: bool, mailbox: bytes = b"", uid_validity: int = 0
) -> bytes:
    """esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data).

    `mailbox` is a name in wire form: RFC 7377 tells where the UIDs belong to.
    """
    quoted = tag.replace("\\", "\\\\").replace('"', '\\"')
    correlator = b'TAG "%b"' % quoted.encode("ascii")
    if mailbox:
        correlator += b" MAILBOX %b UIDVALIDITY %d" % (mailbox, uid_validity)
    words = [b"* ESEARCH (%b)" % correlator, b"UID"] if by_uid else [b"* ESEARCH (%b)" % correlator]
    return b" ".join([*words, *(item.encode("ascii") for item in data)]) + b"\r\n"


def return_data(returns: ReturnOptions, numbers: Sequence[int], modseq: int | None = None) -> list[str]:
    """search-return-data for these results, in the order in which they were asked for: of SORT, the sorted one."""
    data = []
    if "MIN" in returns.words and numbers:
        data.append(f"MIN {numbers[0]}")
    if "MAX" in returns.words and numbers:
        data.append(f"MAX {numbers[-1]}")
    if "ALL" in returns.words and numbers:
        data.append(f"ALL {format_set(numbers)}")
    if "COUNT" in returns.words:
        data.append(f"COUNT {len(numbers)}")
    if returns.partial is not None:
        start, end = returns.partial.bounds(len(numbers))
        data.append(f"PARTIAL ({returns.partial} {format_set(numbers[start:end]) or 'NIL'})")
    if modseq is not None and numbers:
        data.append(f"MODSEQ {modseq}")
    return data


def told_of(returns: ReturnOptions, results: Sequence[int]) -> Sequence[int]:
    """Those of the results that the response names: what SAVE keeps, and what MODSEQ is the highest of."""
    if returns.saves_all or not results:
        return results
    picked = set()
    if "MIN" in returns.words:
        picked.add(results[0])
    if "MAX" in returns.words:
        picked.add(results[-1])
    if returns.partial is not None:
        start, end = returns.partial.bounds(len(results))
        picked.update(results[start:end])
    return sorted(picked)


def no_update(tag: str) -> bytes:
    """RFC 5267 section 4.3.1: the search is answered, but its changes are not going to be told."""
    return b'* NO [NOUPDATE "%b"] Too many searches are being kept up to date\r\n' % tag.encode("ascii")
