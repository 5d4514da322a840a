"""The Authentication-Results field (RFC 8601): made here, and found where somebody else made one in our name."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from mailhost.protocols.addresses import AddressSyntaxError, parse_domain

MAX_LINE: Final = 78  # RFC 5322 section 2.1.1
MAX_VALUE: Final = 300  # a domain has 253; a line of 998 octets is never reached
# Parentheses and backslashes in a field of others that is read: a comment or two for each result. Reading a header of
# nothing else takes seconds, and this is an event loop.
MAX_COMMENT_PIECES: Final = 60

_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]+")  # RFC 2045 section 5.1
# pvalue also has [ [ local-part ] "@" ] domain-name, without quotes
_MAILBOX = re.compile(
    r"(?:[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*)?@[A-Za-z0-9.\-]+"
)
_NEEDS_BACKSLASH = re.compile(r'(["\\])')
_COMMENT_PIECE = re.compile(rb"\\.|[()]", re.DOTALL)
_BLANKS = re.compile(rb"[ \t\r\n]*")
_ID = re.compile(rb"([^\x00-\x20\x7f()<>@,;:\\\"/\[\]?=]+)|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_VERSION = re.compile(rb"[0-9]+")
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method's result. properties: (ptype.property, value), what was tested (RFC 8601 section 2.3)."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...] = ()
    reason: str = ""


def spf(result: str, *, mail_from: str = "", helo: str = "", reason: str = "") -> MethodResult:
    """RFC 8601 section 2.7.2. mail_from: the reverse-path, or its domain; helo where that was checked instead."""
    tested = ("smtp.mailfrom", mail_from) if mail_from else ("smtp.helo", helo)
    return MethodResult("spf", result, _told(tested), reason)


def dkim(
    result: str, *, domain: str = "", selector: str = "", signature: str = "", reason: str = ""
) -> MethodResult:
    """RFC 8601 section 2.7.1. signature: b= as base64, of which RFC 6008 wants the first eight characters."""
    tested = (("header.d", domain), ("header.s", selector), ("header.b", signature[:8]))
    return MethodResult("dkim", result, _told(*tested), reason)


def dmarc(result: str, *, from_domain: str = "", policy: str = "", reason: str = "") -> MethodResult:
    """RFC 7489 section 11.1. policy: what the domain asks for, after sp, np and t."""
    return MethodResult(
        "dmarc", result, _told(("header.from", from_domain), ("policy.dmarc", policy)), reason
    )


def arc(result: str, *, remote_ip: str = "", reason: str = "") -> MethodResult:
    """The chain's result. remote_ip: the peer's address."""
    return MethodResult("arc", result, _told(("smtp.remote-ip", remote_ip)), reason)


def iprev(result: str, *, ip: str, reason: str = "") -> MethodResult:
    """RFC 8601 section 2.7.3."""
    return MethodResult("iprev", result, _told(("policy.iprev", ip)), reason)


def auth(result: str, *, identity: str = "", reason: str = "") -> MethodResult:
    """RFC 8601 section 2.7.4. identity: who signed in."""
    return MethodResult("auth", result, _told(("smtp.auth", identity)), reason)


def _told(*tested: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in tested if value)


def authentication_results_field(authserv_id: str, results: Sequence[MethodResult]) -> bytes:
    """The whole field with its line end; values may hold anything. ValueError for a method, result or property
    that is no keyword: those are ours."""
    lines = _folded(f"Authentication-Results: {_value(authserv_id)};{'' if results else ' none'}")
    for index, result in enumerate(results):
        end = ";" if index + 1 < len(results) else ""
        lines += _folded(f" {_resinfo(result)}{end}")
    return "".join(line + "\r\n" for line in lines).encode("ascii")


@lru_cache(maxsize=2_000)  # what is found of a domain and a client is mostly the same
def _resinfo(result: MethodResult) -> str:
    words = [f"{_keyword(result.method)}={_keyword(result.result)}"]
    if result.reason.strip():
        words.append(f"reason={_value(result.reason)}")
    for name, value in result.properties:
        ptype, _, property_ = name.partition(".")
        words.append(f"{_keyword(ptype)}.{_keyword(property_)}={_value(value, is_tested=True)}")
    return " ".join(words)


def _keyword(text: str) -> str:
    if not _KEYWORD.fullmatch(text):
        raise ValueError(f"{text!r} is no keyword")
    return text


def _value(text: str, *, is_tested: bool = False) -> str:
    """value or pvalue: a token as it is, anything else quoted, in printable ASCII and on one line."""
    plain = text[:MAX_VALUE]
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(character if " " <= character <= "~" else "?" for character in plain)
    if _TOKEN.fullmatch(plain) or (is_tested and _MAILBOX.fullmatch(plain)):
        return plain
    # Runs of blanks may not outlive folding: a line of blanks alone is none (RFC 5322 section 3.2.2).
    return '"' + _NEEDS_BACKSLASH.sub(r"\\\1", " ".join(plain.split())) + '"'


def _folded(text: str) -> list[str]:
    """Lines of MAX_LINE where there are blanks to fold at; unfolded they are the text again."""
    lines = [""]
    for index, word in enumerate(text.lstrip(" ").split(" ")):
        piece = word if index == 0 and not text.startswith(" ") else " " + word
        if lines[-1].strip() and len(lines[-1]) + len(piece) > MAX_LINE:
            lines.append("")
        lines[-1] += piece
    return lines


def authserv_id(value: bytes) -> str | None:
    """The authserv-id that begins the field's value, in lower case; None where the value begins with none.

    Comments and quoting may hide it (RFC 8601 section 2.2), so that it is not what the octets begin with.
    """
    start = _skip_cfws(value, 0)
    found = _ID.match(value, start)
    if found is None:
        return None
    behind = _skip_cfws(value, found.end())
    if version := _VERSION.match(value, behind):
        behind = _skip_cfws(value, version.end())
    if behind < len(value) and value[behind : behind + 1] != b";":
        return None
    octets = found[1] if found[1] is not None else _QUOTED_PAIR.sub(rb"\1", found[2])
    text = re.sub(r"[\r\n]", "", octets.decode("utf-8", errors="replace")).strip().lower()
    try:
        return parse_domain(text)
    except AddressSyntaxError:
        return text


def claims_to_be(value: bytes, names: Collection[str]) -> bool:
    """Whether a field's value speaks in one of these names, and so has to go (RFC 8601 section 5).

    names: this host's authserv-ids, in lower case. What cannot be read goes where a name stands anywhere in it: some
    reader might find it; what has more comments than anybody writes goes unread.
    """
    if value.count(b"(") + value.count(b"\\") > MAX_COMMENT_PIECES:
        return True
    found = authserv_id(value)
    if found is not None:
        return found in names
    lowered = value.lower()
    return any(name.encode() in lowered for name in names)


def _skip_cfws(value: bytes, position: int) -> int:
    """Where blanks and comments end; a comment without an end takes all."""
    while True:
        blanks = _BLANKS.match(value, position)
        position = blanks.end() if blanks else position
        if value[position : position + 1] != b"(":
            return position
        position = _comment_end(value, position)


def _comment_end(value: bytes, position: int) -> int:
    depth = 0
    for piece in _COMMENT_PIECE.finditer(value, position):
        depth += {b"(": 1, b")": -1}.get(piece[0], 0)
        if depth == 0:
            return piece.end()
    return len(value)
