"""What a new message starts with when it answers or forwards another one (RFC 5322 section 3.6.4)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from html import unescape

import nh3
from django.utils import timezone
from django.utils.formats import date_format

from mailhost.protocols.message.reading import Correspondent, ReadableMessage
from mailhost.protocols.message.scanner import scan
from mailhost.webmail.reading import Letter

MAX_QUOTED_CHARACTERS = 100_000
MAX_REFERENCES = 50  # the first and the latest ones are what threads are made from
PREFIX = re.compile(r"^\s*(re|fwd?|aw|wg|antw|sv|vs)\s*:", re.IGNORECASE)
BLOCK_END = re.compile(r"(?i)<br[^>]{0,100}>|</(?:p|div|tr|li|h[1-6]|blockquote|table)>")


class Mode(StrEnum):
    """Why a new message is written."""

    NEW = "new"
    REPLY = "reply"
    REPLY_ALL = "reply-all"
    FORWARD = "forward"
    DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Beginning:
    """What stands in the form at first."""

    sender: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = field(default_factory=tuple)


def begin(letter: Letter, mode: Mode, *, own: Collection[str]) -> Beginning:
    """The beginning of an answer by the account that has the addresses `own`, casefolded."""
    message = letter.message
    if mode is Mode.FORWARD:
        return Beginning(subject=_subject("Fwd", message.subject), text=_forwarded(message))
    to, cc = _answered(message, own, to_all=mode is Mode.REPLY_ALL)
    references = (*message.references, message.message_id) if message.message_id else message.references
    if len(references) > MAX_REFERENCES:
        references = (references[0], *references[1 - MAX_REFERENCES :])
    return Beginning(
        to=_typed(to),
        cc=_typed(cc),
        subject=_subject("Re", message.subject),
        text=_quoted(message, letter.at),
        in_reply_to=message.message_id,
        references=tuple(references),
    )


def go_on(letter: Letter) -> Beginning:
    """A draft as it was left."""
    message = letter.message
    return Beginning(
        to=_typed(message.to),
        cc=_typed(message.cc),
        bcc=(scan(letter.octets).field(b"bcc") or b"").decode("utf-8", "replace").strip(),
        subject=message.subject,
        text=body_text(message),
        in_reply_to=message.references[-1] if message.references else "",
        references=message.references,
    )


def body_text(message: ReadableMessage) -> str:
    """The message's text, made from its HTML where it has nothing else."""
    if message.text_plain is not None:
        return message.text_plain
    if message.text_html is None:
        return ""
    text = unescape(nh3.clean(BLOCK_END.sub("\n", message.text_html), tags=set()))
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"[ \t]*\n[ \t]*", "\n", text)).strip() + "\n"


def _answered(
    message: ReadableMessage, own: Collection[str], *, to_all: bool
) -> tuple[list[Correspondent], list[Correspondent]]:
    """Who an answer goes to. Answering one's own message goes on writing to those it went to."""
    senders = list(message.reply_to or message.from_)
    if all(person.address.casefold() in own for person in message.from_) and message.to and message.from_:
        return list(message.to), list(message.cc) if to_all else []
    if not to_all:
        return senders, []
    known = {person.address.casefold() for person in senders} | set(own)
    others: list[Correspondent] = []
    for person in (*message.to, *message.cc):
        if person.address and person.address.casefold() not in known:
            known.add(person.address.casefold())
            others.append(person)
    return senders, others


def _typed(people: Iterable[Correspondent]) -> str:
    return ", ".join(
        f"{_phrase(person.name)} <{person.address}>" if person.name else person.address
        for person in people
        if person.address
    )


def _phrase(name: str) -> str:
    """Quoted where it would read as something else."""
    if re.fullmatch(r"[\w !#$%&'*+/=?^`{|}~-]+", name):
        return name
    return '"' + name.replace("\\", "").replace('"', "'") + '"'


def _subject(prefix: str, subject: str) -> str:
    found = PREFIX.match(subject)
    if found and (found[1].lower() in {"fw", "fwd", "wg"}) == (prefix == "Fwd"):
        return subject
    return f"{prefix}: {subject}".rstrip()


def _quoted(message: ReadableMessage, at: datetime) -> str:
    text = body_text(message).rstrip()[:MAX_QUOTED_CHARACTERS]
    who = ", ".join(person.name or person.address for person in message.from_) or "somebody"
    when = _moment(message.date or at)
    lines = "\n".join(
        f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in text.splitlines()
    )
    return f"\n\nOn {when}, {who} wrote:\n\n{lines}\n" if lines else ""


def _forwarded(message: ReadableMessage) -> str:
    lines = [
        "",
        "",
        "---------- Forwarded message ----------",
        f"From: {_typed(message.from_)}",
        *([f"Date: {_moment(message.date)}"] if message.date else []),
        f"Subject: {message.subject}",
        f"To: {_typed(message.to)}",
        *([f"Cc: {_typed(message.cc)}"] if message.cc else []),
        "",
        body_text(message)[:MAX_QUOTED_CHARACTERS],
    ]
    return "\n".join(lines)


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "j F Y, H:i")
