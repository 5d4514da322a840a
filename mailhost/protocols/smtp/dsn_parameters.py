"""What MAIL and RCPT ask for about delivery status notifications: RET, ENVID, NOTIFY, ORCPT (RFC 3461 section 4),
ORCPT with addresses in UTF-8 (RFC 6533 section 3)."""

import re
from dataclasses import dataclass, replace
from typing import Final

from mailhost.protocols.smtp.replies import CommandRefused

MAX_ENVID_OCTETS: Final = 100  # RFC 3461 section 4.4
MAX_ORCPT_OCTETS: Final = 500  # section 4.2
MAX_KEPT_OCTETS: Final = (
    960  # of one in ASCII: any address has less, and with its field's name it is a line (RFC 5322)
)

# xtext = *( xchar / hexchar ); xchar: "!" to "~" but for "+" and "="; hexchar = "+" and two upper-case digits
_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-F]{2})*")
_HEX_PAIR = re.compile(r"\+([0-9A-F]{2})")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")
_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+")
# HEXPOINT of RFC 6533 section 3: what xtext cannot have, "\\" and DEL, and every character beyond ASCII.
_HEXPOINT = (
    "[01][1-9]|10|20|2B|3D|7F|5C|[89A-F][0-9A-F]|[1-9A-F][0-9A-F]{2}|[1-9A-CEF][0-9A-F]{3}|D[0-7][0-9A-F]{2}"
    "|[1-9A-F][0-9A-F]{4}|10[0-9A-F]{4}"
)
_EMBEDDED = re.compile(rf"\\x\{{({_HEXPOINT})\}}")
# utf-8-addr-xtext and utf-8-addr-unitext
_UTF8_ADDRESS = re.compile(rf"(?:[\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e\x80-\U0010ffff]|{_EMBEDDED.pattern})+")
_NOT_XCHAR = re.compile(r"[^!-*,-<>-~]")
_NOT_UTF8_XCHAR = re.compile(r"[^!-*,-<>-\[\]-~]")
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

    @property
    def without_success(self) -> "DsnRequest":
        """As it goes on to each of the addresses that an alias leads to (RFC 3461 section 5.2.7.3 (c)). Where nothing
        else was asked for that is NEVER: without a word it would be FAILURE (section 4.1)."""
        if not self.wants_success:
            return self
        left = [word for word in self.notify.split(",") if word != "SUCCESS"]
        return replace(self, notify=",".join(left) or "NEVER")


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
    """NEVER, or some of SUCCESS, FAILURE, DELAY, each once; "" where there is none.

    1#notify-list-element of RFC 3461 is a list in which a word may come twice, and nothing stand between two commas.
    """
    if value == "":
        return ""
    words = [word for word in dict.fromkeys((value or "").upper().split(",")) if word]
    if (value or "").upper() == "NEVER":
        return "NEVER"
    if not words or not set(words) <= set(_NOTIFY_WORDS):
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
    kept = f"{kind};{_BEYOND_ASCII.sub(_as_hex, address)}"
    if len(kept) > MAX_KEPT_OCTETS:
        raise CommandRefused(501, "5.5.4", "ORCPT is longer than any address")
    return kept


def orcpt_of(address: str) -> str:
    """The ORCPT that a relay may add where the sender gave none: of the address that the sender's RCPT named (RFC 3461
    section 5.2.1 (d)), one beyond ASCII as utf-8-addr-xtext (RFC 6533 section 3). "" where it would be too long."""
    if address.isascii():
        orcpt = "rfc822;" + _NOT_XCHAR.sub(lambda match: f"+{ord(match[0]):02X}", address)
    else:
        orcpt = "utf-8;" + _NOT_UTF8_XCHAR.sub(_as_hex, address)
    return orcpt if len(orcpt) <= MAX_ORCPT_OCTETS else ""


def utf8_characters(address: str) -> str:
    """A utf-8-addr-xtext or utf-8-addr-unitext as the address that it stands for."""
    return _EMBEDDED.sub(lambda match: chr(int(match[1], 16)), address)


def orcpt_in_utf8(orcpt: str) -> str:
    """For a server that is told SMTPUTF8: characters beyond ASCII as they are (RFC 6533 section 3)."""
    kind, _, address = orcpt.partition(";")
    if kind.lower() != "utf-8":
        return orcpt
    return f"{kind};{_EMBEDDED.sub(_as_character_beyond_ascii, address)}"


def _as_character_beyond_ascii(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number > 0x9F else match[0]  # no control character in a command


def _as_hex(match: re.Match[str]) -> str:
    return f"\\x{{{ord(match[0]):X}}}"


def _is_printable_xtext(text: str) -> bool:
    """What it stands for goes into fields of a report: RFC 3461 sections 4.2 and 4.4 ask for printable ASCII."""
    if not _XTEXT.fullmatch(text):
        return False
    return _PRINTABLE.fullmatch(_HEX_PAIR.sub(lambda pair: chr(int(pair[1], 16)), text)) is not None
