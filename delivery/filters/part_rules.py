"""Parts that nobody should open, and the two strings that every filter is tried with."""

import re
from typing import Final

from delivery.filters.incoming import Incoming, shown
from delivery.findings import Action, Finding
from mailhost.protocols.message.leaves import disposition_of, filename_of
from mailhost.protocols.message.scanner import Part
from mailhost.protocols.message.text import decode_transfer

# Run by a double click on some system, or made to carry what is.
_PROGRAMS: Final = """
    ade adp appref-ms bat chm cmd com cpl dll exe gadget hta inf ins isp jar js jse lib lnk mde msc msh msi msp mst nsh
    pif ps1 ps1xml ps2 psc1 psc2 reg scf scr sct settingcontent-ms shb shs sys vb vbe vbs vbscript vxd wsc wsf wsh xll
"""
PROGRAMS: Final = frozenset(_PROGRAMS.split())
WITH_MACROS: Final = frozenset(
    ("docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppam", "ppsm", "sldm")
)
DISC_IMAGES: Final = frozenset(("iso", "img", "vhd", "vhdx", "udf", "cab", "ace"))
PAGES: Final = frozenset(("htm", "html", "shtml", "xhtml", "svg", "mht", "mhtml"))
_TWO_ENDINGS: Final = re.compile(r"\.(?:pdf|docx?|xlsx?|pptx?|txt|rtf|jpe?g|png|gif|zip)\s*\.\w{1,5}\s*\Z")
# https://spamassassin.apache.org/gtube/ and https://www.eicar.org: in two pieces, or this file would be an example.
GTUBE: Final = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" + b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
# Octets of a part: the strings stand at the beginning of what carries them, EICAR's at the very beginning of a file.
LOOKED_THROUGH: Final = 1 << 20
LOOKED_THROUGH_OF_FILES: Final = 8 << 10
MAX_PARTS: Final = 1_000


def part_findings(message: Incoming) -> list[Finding]:
    """What the parts of the message are found to be."""
    findings: list[Finding] = []
    for part in _parts(message.root):
        findings += _by_name(part)
        findings += _by_octets(message.octets, part)
    return list(dict.fromkeys(findings))


def _parts(root: Part) -> list[Part]:
    """All parts, those of messages in it too, up to a bound."""
    waiting, found = [root], list[Part]()
    while waiting and len(found) < MAX_PARTS:
        part = waiting.pop()
        found.append(part)
        waiting.extend(reversed(part.children))
    return found


def _by_name(part: Part) -> list[Finding]:
    name = filename_of(part, disposition_of(part)).strip().rstrip(".").lower()
    ending = name.rpartition(".")[2] if "." in name else ""
    called = f"The attachment {shown(name)}"
    if ending in PROGRAMS:
        text = f"{called} is a program: it would run when it is opened."
        return [Finding("attachment", "program", text, at_least=Action.REFUSE)]
    findings = []
    if _TWO_ENDINGS.search(name):
        findings.append(
            Finding("attachment", "two-endings", f"{called} hides what it is behind two endings.", 3.0)
        )
    if ending in WITH_MACROS:
        findings.append(Finding("attachment", "macros", f"{called} is a document with programs in it.", 2.5))
    if ending in DISC_IMAGES:
        findings.append(
            Finding("attachment", "disc-image", f"{called} is a disc image, which few people send.", 2.5)
        )
    if ending in PAGES:
        findings.append(
            Finding("attachment", "page", f"{called} is a web page, which may pose as a site.", 1.0)
        )
    return findings


def _by_octets(octets: bytes, part: Part) -> list[Finding]:
    if part.children:
        return []
    is_text = part.content_type.media_type.startswith(b"text/")
    limit = LOOKED_THROUGH if is_text else LOOKED_THROUGH_OF_FILES
    body = octets[part.body_start : min(part.body_end, part.body_start + limit)]
    if part.transfer_encoding in (b"base64", b"quoted-printable"):
        body = decode_transfer(body, part.transfer_encoding)
    if EICAR in body:
        text = "It carries the string that virus scanners are tried with (EICAR)."
        return [Finding("virus", "EICAR", text, at_least=Action.REFUSE)]
    if GTUBE in body:
        text = "It carries the string that junk filters are tried with (GTUBE)."
        return [Finding("content", "GTUBE", text, 1000.0, at_least=Action.REFUSE)]
    return []
