"""What MAIL and RCPT ask for about delivery status notifications: RET, ENVID, NOTIFY, ORCPT (RFC 3461 section 4),
ORCPT with addresses in UTF-8 (RFC 6533 section 3)."""

import re
from dataclasses import dataclass
from typing import Final

from mailhost.protocols.smtp.replies import CommandRefused

MAX_ENVID_OCTETS: Final = 100  # RFC 3461 section 4.4
MAX_ORCPT_OCTETS: Final = 500  # section 4.2

# xtext = *( xchar / hexchar ); xchar: "!" to "~" but for "+" and "="; hexchar = "+" and two upper-case digits
_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})+")
_HEX_PAIR = re.compile(r"\+([0-9A-F]{2})")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+")
# utf-8-addr-xtext and utf-8-addr-unitext: RFC 6533 section 3
_UTF8_ADDRESS = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e\x80-\U0010ffff]|\\x\{[0-9A-F]{1,6}\})+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_NOTIFY_WORDS: Final = ("SUCCESS", "FAILURE", "DELAY")


@dataclass(frozen=True, slots=True)
class DsnRequest:
    """What one recipient's sender wants to hear. notify: "", "NEVER" or words with commas, in upper case; orcpt: "" or
    as it came ("rfc822;" and xtext), in ASCII."""

    notify: str = ""
    orcpt: str = ""

    @property
    def wants_success(self) -> bool:
        """A notification is due also where all went well."""
        return "SUCCESS" in self.notify.split(",")


NOTHING_ASKED: Final = DsnRequest()


def parse_ret(value: str | None) -> str:
    """FULL or HDRS; "" where there is none."""
    if value == "":
        return ""
    ret = (value or "").upper()
    if ret not in {"FULL", "HDRS"}:
        raise CommandRefused(501, "5.5.4", "RET is FULL or HDRS")
    return ret


def parse_envid(value: str | None) -> str:
    """The identifier as it came, in xtext; "" where there is none."""
    if value == "":
        return ""
    if not value or len(value) > MAX_ENVID_OCTETS or not _is_printable_xtext(value):
        raise CommandRefused(501, "5.5.4", f"ENVID takes xtext of at most {MAX_ENVID_OCTETS} octets")
    return value


def parse_notify(value: str | None) -> str:
    """NEVER, or some of SUCCESS, FAILURE, DELAY; "" where there is none."""
    if value == "":
        return ""
    words = (value or "").upper().split(",")
    if words == ["NEVER"]:
        return "NEVER"
    if len(set(words)) < len(words) or not set(words) <= set(_NOTIFY_WORDS):
        raise CommandRefused(501, "5.5.4", "NOTIFY is NEVER, or SUCCESS, FAILURE, DELAY with commas between")
    return ",".join(words)


def parse_orcpt(value: str | None) -> str:
    """The original recipient as it came; an address in UTF-8 in its ASCII form (utf-8-addr-xtext)."""
    if value == "":
        return ""
    kind, semicolon, address = (value or "").partition(";")
    is_utf8 = kind.lower() == "utf-8"
    is_address = _UTF8_ADDRESS.fullmatch(address) if is_utf8 else _is_printable_xtext(address)
    if not semicolon or not _ATOM.fullmatch(kind) or not is_address or len(value or "") > MAX_ORCPT_OCTETS:
        raise CommandRefused(
            501, "5.5.4", "ORCPT takes a type of address, a semicolon and the address in xtext"
        )
    return f"{kind};{_BEYOND_ASCII.sub(_as_hex, address)}"


def _as_hex(match: re.Match[str]) -> str:
    return f"\\x{{{ord(match[0]):X}}}"


def _is_printable_xtext(text: str) -> bool:
    """What it stands for goes into fields of a report: RFC 3461 sections 4.2 and 4.4 ask for printable ASCII."""
    if not _XTEXT.fullmatch(text):
        return False
    return _PRINTABLE.fullmatch(_HEX_PAIR.sub(lambda pair: chr(int(pair[1], 16)), text)) is not None
