"""Internet messages: structure, IMAP's view of them, what a reader sees (RFC 5322, RFC 2045-2049, RFC 2231).

`reading` and `composing` are imported by name: they cost more, and the mail servers need neither.
"""

from mailhost.protocols.message.header import header_fields
from mailhost.protocols.message.part_map import PartMap, PartOffsets, SectionText
from mailhost.protocols.message.scanner import LIMITS, Kind, Limits
from mailhost.protocols.message.working_out import WorkedOut, body_only, work_out

__all__ = [
    "LIMITS",
    "Kind",
    "Limits",
    "PartMap",
    "PartOffsets",
    "SectionText",
    "WorkedOut",
    "body_only",
    "header_fields",
    "work_out",
]
