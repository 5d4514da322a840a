"""Bounces for people alone, as they are still written: qmail (QSBMF), Exim, sendmail, Postfix, Exchange.

Each has words that it begins with, a form in which it names recipients, and a line before the message that it returns.
Only what says that a message has failed is read: warnings promise another notice.
"""

import re
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from mailhost.protocols.message.header import header_fields
from mailhost.protocols.message.text import one_line
from mailhost.protocols.report_fields import MAX_TEXT, Quoted, bare_address, quoted_header

MAX_CHARACTERS: Final = 64 << 10  # of the text that are looked at
MAX_OPENING: Final = 1_500  # what it begins with stands here
MAX_FAILED: Final = 1_000

_ADDRESS = r"[^\s<>()\[\],;:\"@]{1,250}@[^\s<>()\[\],;:\"@']{1,250}"


@dataclass(frozen=True, slots=True)
class SaidFailed:
    """One address, and what is said of it. original: what it was made of on the way, or ""."""

    address: str
    reason: str
    original: str = ""


@dataclass(frozen=True, slots=True)
class BounceText:
    """The recipients that failed; quoted: of the message that came back."""

    failed: tuple[SaidFailed, ...]
    quoted: Quoted


@dataclass(frozen=True, slots=True)
class _Form:
    """opening: what it begins with. recipient: a line that names one, as its first group; what follows up to the next
    one, or the second group, is the reason. copy: the line behind which the message stands."""

    opening: re.Pattern[str]
    recipient: re.Pattern[str]
    copy: re.Pattern[str]


def _form(*, opening: str, recipient: str, copy: str) -> _Form:
    flags = re.IGNORECASE | re.MULTILINE
    return _Form(re.compile(opening, flags), re.compile(recipient, flags), re.compile(copy, flags))


_FORMS: Final = (
    _form(  # QSBMF: the first paragraph, "<address>:" and paragraphs, "---" before the copy
        opening=r"^Hi\. (?:This is the|The) [^\n]{1,200}",
        recipient=rf"^<({_ADDRESS})>:[ \t]*",
        copy=r"^--- ?(?:Below this line is|Enclosed is|Included is) [^\n]{0,200}\n",
    ),
    _form(  # Exim, and providers that write in its words
        opening=r"^A message that you sent could not be delivered|^A message could not be delivered to[^\n]{0,40}"
        r"recipient",
        recipient=rf'^(?:[ \t]{{1,8}}<?|")({_ADDRESS})(?:>|":?)?[ \t]*$',
        copy=r"^-{3,} (?:This is a copy of (?:the|your) message|The header of the original message)[^\n]{0,200}\n",
    ),
    _form(
        opening=r"^[ \t]*-{3,} The following addresses had permanent (?:fatal errors|delivery errors)",
        recipient=rf"^<?({_ADDRESS})>?[ \t]*$",
        copy=r"^[ \t]*-{3,} (?:Original message follows|Message header follows|Unsent message follows)[^\n]{0,100}\n",
    ),
    _form(
        opening=r"^This is the (?:Postfix|mail system)[^\n]{0,100}|^I'?m sorry to have to inform you that",
        recipient=rf"^<({_ADDRESS})>(?:[ \t]*\([^)\n]{{0,300}}\))?:[ \t]*",
        copy=r"^-{3,}[^\n]{0,40}(?:Undelivered|Original) message[^\n]{0,100}\n",
    ),
    _form(  # Exchange, and Google before it wrote by the standard
        opening=r"^Your message did not reach some or all of the intended recipients"
        r"|^did not reach the following recipient|^Delivery (?:has failed to|to) (?:these|the following) recipient",
        recipient=rf"^[ \t]{{0,12}}(?:'?[^'\n<]{{0,100}}'?[ \t]*<(?:mailto:)?)?'?({_ADDRESS})'?>?"
        r"(?:[ \t]{1,4}on [^\n]{1,40})?[ \t]*$",
        copy=r"^(?:Original message headers:|-{3,} ?Original message ?-{3,})[^\n]{0,100}\n",
    ),
)
_FAILURE_NOTICE = re.compile(
    r"undeliver|returned (?:mail|to sender)|failure notice|mail delivery failed|could not be delivered"
    r"|delivery (?:status notification|failure|has failed)",
    re.IGNORECASE,
)
_WARNING = re.compile(
    r"^warning\b|\bdelayed\b|will be retried|still being (?:tried|retried)|do not need to resend|no action is required",
    re.IGNORECASE | re.MULTILINE,
)
_GENERATED_FROM = re.compile(rf"\(generated from <?({_ADDRESS})>?\)")
_HEADER_LINE = re.compile(
    r"^(?:Return-Path|Received|Message-ID|From|Date|Subject|To):", re.IGNORECASE | re.MULTILINE
)


def read_text(header: bytes, text: str, quoted: Quoted) -> BounceText | None:
    """What a bounce for people says; None for what is none, or is a warning.

    header: of the notice. quoted: what an attached copy says, which counts before a copy in the text.
    """
    text = text[:MAX_CHARACTERS]
    opening = text[:MAX_OPENING]
    named = _named_in_header(header)
    form = next((each for each in _FORMS if each.opening.search(opening)), None)
    if form is None:
        if not named or _WARNING.search(opening) or not _FAILURE_NOTICE.search(_subject(header)):
            return None
        return BounceText(tuple(SaidFailed(each, "") for each in named), quoted)
    if _WARNING.search(opening):
        return None
    said, copy = _divided(text, form)
    failed = _failed(said, form)
    known = {each.address.lower() for each in failed}
    failed += [SaidFailed(each, "") for each in named if each.lower() not in known]
    if not failed:
        return None
    return BounceText(tuple(failed[:MAX_FAILED]), quoted if quoted.message_id else _of_copy(copy))


def _divided(text: str, form: _Form) -> tuple[str, str]:
    found = form.copy.search(text)
    return (text[: found.start()], text[found.end() :]) if found else (text, "")


def _failed(said: str, form: _Form) -> list[SaidFailed]:
    """Each address once, with all that is said of it."""
    lines = list(form.recipient.finditer(said))[:MAX_FAILED]
    found: dict[str, SaidFailed] = {}
    for line, following in zip_longest(lines, lines[1:]):
        end = following.start() if following else len(said)
        before = found.get(line[1].lower())
        words = said[line.end() : end][: MAX_TEXT * 4]
        reason = one_line(f"{before.reason} {words}" if before else words, limit=MAX_TEXT)
        origin = _GENERATED_FROM.search(reason)
        found[line[1].lower()] = SaidFailed(line[1], reason, origin[1] if origin else "")
    return list(found.values())


def _of_copy(copy: str) -> Quoted:
    """The copy begins with the message's header, perhaps behind blank lines."""
    found = _HEADER_LINE.search(copy[:2_000])
    return quoted_header(copy[found.start() :].encode("utf-8", "replace")) if found else Quoted()


def _named_in_header(header: bytes) -> list[str]:
    """X-Failed-Recipients, by which Exim names them to programs."""
    value = _value(header, b"x-failed-recipients")
    return [address for each in value.split(",")[:MAX_FAILED] if (address := bare_address(each))]


def _subject(header: bytes) -> str:
    return _value(header, b"subject")


def _value(header: bytes, name: bytes) -> str:
    fields = header_fields(header[: 64 << 10], (name,)).decode("utf-8", "replace")
    return one_line(fields.partition(":")[2], limit=20_000)
