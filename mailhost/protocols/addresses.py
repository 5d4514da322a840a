"""E-mail addresses and domains: RFC 5321 section 4.1.2 (Mailbox), RFC 6531 section 3.3 (their UTF-8 form),
RFC 5890 (A-labels).

An address is parsed once, at the door. Behind it its local part is NFC without quoting, its domain a
lower-case A-label or an address literal.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# RFC 5321 sections 4.5.3.1.1 to 4.5.3.1.3. A path of 256 octets has 254 between its brackets.
MAX_LOCAL_PART_OCTETS: Final = 64
MAX_ADDRESS_OCTETS: Final = 254
MAX_DOMAIN_OCTETS: Final = 253  # RFC 1035 section 2.3.4: 255 on the wire, that is 253 written out
MAX_LABEL_OCTETS: Final = 63

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~\-"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
# Dot-string = Atom *("." Atom), with UTF8-non-ascii as RFC 6531 section 3.3 adds it
_DOT_STRING = re.compile(rf"[{_ATEXT}\u0080-\U0010ffff]+(?:\.[{_ATEXT}\u0080-\U0010ffff]+)*")
_DOTS_ANYWHERE = re.compile(rf"[{_ATEXT}.\u0080-\U0010ffff]+")
# Quoted-string = DQUOTE *(qtextSMTP / quoted-pairSMTP) DQUOTE
_QUOTED_STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])*)"')
_QUOTED_PAIR = re.compile(r"\\(.)")
_NEEDS_BACKSLASH = re.compile(r'(["\\])')
_LDH_LABEL = re.compile(_LABEL)
_LENIENT_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?")
_PLAIN_ADDRESS = re.compile(rf"([{_ATEXT}]+(?:\.[{_ATEXT}]+)*)@((?:{_LABEL}\.)+[A-Za-z]{{2,63}})")
_UNICODE_DOTS = re.compile("[\u3002\uff0e\uff61]")  # RFC 3490 section 3.1: also full stops between labels
# Controls, surrogates, line and paragraph separators: never part of a name that people write
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
# RFC 5892: letters, digits and marks make U-labels (the contextual rules are left to the registries)
_LABEL_CATEGORIES: Final = frozenset({"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"})
_JOINERS: Final = frozenset(
    "\u200c\u200d\u00b7\u0375\u05f3\u05f4\u30fb"
)  # RFC 5892 appendix A, CONTEXTJ / CONTEXTO


class AddressSyntaxError(ValueError):
    """This text is no address; the message is a sentence for people."""


@dataclass(frozen=True, slots=True, order=True)
class EmailAddress:
    """local_part: NFC, quoting removed, case kept. domain: lower-case A-label, or a literal in brackets."""

    local_part: str
    domain: str

    @classmethod
    def parse(cls, text: str, *, is_lenient: bool = False) -> "EmailAddress":
        """The address in text; AddressSyntaxError.

        is_lenient is for paths of other hosts: long local parts (VERP, SRS), dots where RFC 5321 has none and
        underscores in domains are out there, and refusing them loses mail.
        """
        if len(text) <= MAX_LOCAL_PART_OCTETS and (plain := _PLAIN_ADDRESS.fullmatch(text)):
            domain = plain[2].lower()
            if "xn--" not in domain:
                return cls(plain[1], domain)
        local_part, rest = _split_local_part(text, is_lenient=is_lenient)
        if not rest.startswith("@"):
            raise AddressSyntaxError("An address has the form name@domain.")
        domain = _parse_host(rest[1:], is_lenient=is_lenient)
        octets = len(local_part.encode())
        if octets > MAX_LOCAL_PART_OCTETS and not is_lenient:
            raise AddressSyntaxError(f"The part before the @ is longer than {MAX_LOCAL_PART_OCTETS} octets.")
        if octets + 1 + len(domain) > MAX_ADDRESS_OCTETS:
            raise AddressSyntaxError(f"The address is longer than {MAX_ADDRESS_OCTETS} octets.")
        return cls(local_part, domain)

    @property
    def key(self) -> tuple[str, str]:
        """What is compared and stored: local parts compare caselessly (RFC 5321 section 2.4: our choice)."""
        return canonical_local_part(self.local_part), self.domain

    def __str__(self) -> str:
        return f"{quote_local_part(self.local_part)}@{self.domain}"


def canonical_local_part(local_part: str) -> str:
    """Case-folded and NFC: the form in which local parts are stored and compared."""
    if local_part.isascii():
        return local_part.lower()
    folded = unicodedata.normalize("NFD", local_part).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", folded).casefold())


def quote_local_part(local_part: str) -> str:
    """The local part as it goes on the wire: quoted where it is not a Dot-string."""
    if _DOT_STRING.fullmatch(local_part):
        return local_part
    return '"' + _NEEDS_BACKSLASH.sub(r"\\\1", local_part) + '"'


def parse_domain(text: str) -> str:
    """The domain as a lower-case A-label, from A- or U-labels; AddressSyntaxError."""
    return _parse_domain(text, label=_LDH_LABEL)


def _split_local_part(text: str, *, is_lenient: bool) -> tuple[str, str]:
    if quoted := _QUOTED_STRING.match(text):
        local_part = _QUOTED_PAIR.sub(r"\1", quoted[1])
        rest = text[quoted.end() :]
    else:
        local_part, at, domain = text.rpartition("@")
        rest = at + domain
        form = _DOTS_ANYWHERE if is_lenient else _DOT_STRING
        if not form.fullmatch(local_part):
            raise AddressSyntaxError(
                "An address has the form name@domain." if not at else _bad_local_part(local_part)
            )
    if not local_part.isascii():
        local_part = unicodedata.normalize("NFC", local_part)
        if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in local_part):
            raise AddressSyntaxError("The part before the @ has control characters in it.")
    return local_part, rest


def _bad_local_part(local_part: str) -> str:
    if not local_part:
        return "There is nothing before the @."
    return "The part before the @ has a character or a dot where none may be."


def _parse_host(text: str, *, is_lenient: bool) -> str:
    if text.startswith("["):
        return _parse_address_literal(text)
    return _parse_domain(text, label=_LENIENT_LABEL if is_lenient else _LDH_LABEL)


def _parse_address_literal(text: str) -> str:
    """RFC 5321 section 4.1.3, in one spelling for each address; General-address-literal has no use yet."""
    inner = text[1:-1]
    if text.endswith("]") and inner.isascii():
        try:
            if inner[:5].lower() == "ipv6:" and "%" not in inner:
                return f"[IPv6:{ipaddress.IPv6Address(inner[5:])}]"
            return f"[{ipaddress.IPv4Address(inner)}]"
        except ValueError:
            pass
    raise AddressSyntaxError("The address literal in brackets is not an IPv4 address or IPv6:address.")


def _parse_domain(text: str, *, label: re.Pattern[str]) -> str:
    if not text:
        raise AddressSyntaxError("There is no domain.")
    if len(text) > MAX_ADDRESS_OCTETS:
        raise AddressSyntaxError(f"The domain is longer than {MAX_DOMAIN_OCTETS} octets.")
    if not text.isascii():
        text = _UNICODE_DOTS.sub(".", text)
    labels = [_to_a_label(part) for part in text.removesuffix(".").split(".")]
    for each in labels:
        if not label.fullmatch(each):
            raise AddressSyntaxError("The domain has an empty or malformed label.")
    if labels[-1].isdigit():
        # RFC 3696 section 2: a top-level domain is not all-numeric, so this is a bare IP address.
        raise AddressSyntaxError("The domain ends in a number; an IP address needs brackets.")
    domain = ".".join(labels)
    if len(domain) > MAX_DOMAIN_OCTETS:
        raise AddressSyntaxError(f"The domain is longer than {MAX_DOMAIN_OCTETS} octets.")
    return domain


def _to_a_label(label: str) -> str:
    """RFC 5891 section 4, with the mapping of RFC 5895 (lower case, width, NFC) before it.

    Not the idna codec of the standard library: that is IDNA 2003, which sends ß to ss and so to another host.
    """
    if label.isascii():
        label = label.lower()
        if label.startswith("xn--"):
            _check_a_label(label)
        return label
    mapped = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", label).lower())
    if mapped.isascii():  # full-width Latin letters
        return mapped
    if not _is_u_label(mapped):
        raise AddressSyntaxError("The domain has a character that domains cannot have.")
    encoded = "xn--" + mapped.encode("punycode").decode("ascii")
    if len(encoded) > MAX_LABEL_OCTETS:
        raise AddressSyntaxError(f"A label of the domain is longer than {MAX_LABEL_OCTETS} octets.")
    return encoded


def _check_a_label(label: str) -> None:
    """An A-label that is not the one spelling of a U-label is a fake (RFC 5891 section 5.4)."""
    try:
        decoded = label[4:].encode("ascii").decode("punycode")
        is_true = _is_u_label(decoded) and decoded.encode("punycode").decode("ascii").lower() == label[4:]
    except (UnicodeError, OverflowError):
        is_true = False
    if not is_true:
        raise AddressSyntaxError("The domain has a label that begins with xn-- and decodes to no name.")


def _is_u_label(label: str) -> bool:
    if label.isascii() or label != unicodedata.normalize("NFC", label) or label[0] == "-" or label[-1] == "-":
        return False
    if unicodedata.category(label[0]).startswith("M"):  # RFC 5891 section 4.2.3.2
        return False
    return all(
        character == "-" or character in _JOINERS or unicodedata.category(character) in _LABEL_CATEGORIES
        for character in label
    )
