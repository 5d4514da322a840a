"""Reading notices of other hosts about mail of ours: DSNs (RFC 3464, in UTF-8 RFC 6533), and what was written before
there was a standard, or in spite of it (bounce_texts.py).

Nothing here says that a notice is true: whoever reads one asks whether such a message was sent to such a recipient.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailhost.protocols import bounce_texts
from mailhost.protocols.dsn_values import Action
from mailhost.protocols.message.leaves import first_text
from mailhost.protocols.message.scanner import scan
from mailhost.protocols.report_fields import (
    LIMITS,
    MAX_OCTETS,
    Block,
    Quoted,
    first,
    own_parts,
    quoted_message,
    read_blocks,
    text_of,
    typed_address,
    typed_value,
)

MAX_RECIPIENTS: Final = 1_000
STATUS_TYPES: Final = frozenset((b"message/delivery-status", b"message/global-delivery-status"))
_STATUS = re.compile(r"\b([245])\.([0-9]{1,3})\.([0-9]{1,3})\b")
_REPLY = re.compile(r"\b([245])[0-9][0-9][ -]")
_BY_WORD: Final = {action.value: action for action in Action}
_BY_CLASS: Final = {"2": Action.DELIVERED, "4": Action.DELAYED, "5": Action.FAILED}


@dataclass(frozen=True, slots=True)
class ReadRecipient:
    """What is said of one recipient. final and original are bare addresses, or ""; status always has a class.

    diagnostic: the words of whoever refused it; remote_host: who that was.
    """

    action: Action
    status: str
    final: str
    original: str = ""
    diagnostic: str = ""
    remote_host: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice. envelope_id: decoded, as Original-Envelope-Id has it. is_standard: RFC 3464's."""

    recipients: tuple[ReadRecipient, ...]
    quoted: Quoted
    reporting_host: str = ""
    envelope_id: str = ""
    is_standard: bool = True

    @property
    def failed(self) -> tuple[ReadRecipient, ...]:
        """Those that the message will not reach."""
        return tuple(each for each in self.recipients if each.action is Action.FAILED)


def read_notice(octets: bytes) -> Notice | None:
    """None where the message is no notice that is understood. Never raises; bounded, whatever the message."""
    octets = octets[:MAX_OCTETS]
    root = scan(octets, limits=LIMITS)
    quoted = quoted_message(octets, root)
    for part in own_parts(root):
        if part.content_type.media_type in STATUS_TYPES:
            return _standard(read_blocks(text_of(octets, part)), quoted)
    text = first_text(root)
    found = bounce_texts.read_text(
        octets[: root.body_start], text_of(octets, text) if text is not None else "", quoted
    )
    if found is None:
        return None
    recipients = tuple(
        ReadRecipient(Action.FAILED, status_of(said.reason), said.address, said.original, said.reason)
        for said in found.failed[:MAX_RECIPIENTS]
    )
    return Notice(recipients, found.quoted, is_standard=False)


def _standard(blocks: list[Block], quoted: Quoted) -> Notice | None:
    """The first block is about the message (RFC 3464 section 2.2); some hosts leave it out."""
    message: Block = {}
    if blocks and "final-recipient" not in blocks[0] and "original-recipient" not in blocks[0]:
        message = blocks.pop(0)
    recipients = [found for block in blocks[:MAX_RECIPIENTS] if (found := _recipient(block)) is not None]
    if not recipients:
        return None
    return Notice(
        tuple(recipients),
        quoted,
        reporting_host=typed_value(first(message, "reporting-mta")),
        envelope_id=first(message, "original-envelope-id"),
    )


def _recipient(block: Block) -> ReadRecipient | None:
    final, original = (
        typed_address(first(block, name)) for name in ("final-recipient", "original-recipient")
    )
    diagnostic = typed_value(first(block, "diagnostic-code"))
    found = _STATUS.search(first(block, "status"))
    status = found[0] if found else status_of(diagnostic, otherwise="")
    action = _action(first(block, "action"), status)
    if action is None or not (final or original):
        return None
    return ReadRecipient(
        action,
        status or {Action.FAILED: "5.0.0", Action.DELAYED: "4.0.0"}.get(action, "2.0.0"),
        final or original,
        original,
        diagnostic,
        typed_value(first(block, "remote-mta")),
    )


def _action(value: str, status: str) -> Action | None:
    """RFC 3464 section 2.3.3; where it is missing the code tells."""
    word = value.partition(" ")[0].partition(";")[0].lower()
    return _BY_WORD.get(word) or _BY_CLASS.get(status[:1])


def status_of(words: str, *, otherwise: str = "5.0.0") -> str:
    """The enhanced code in the words of a refusal, or the class of its reply."""
    if found := _STATUS.search(words):
        return found[0]
    if found := _REPLY.search(words):
        return f"{found[1]}.0.0"
    return otherwise
