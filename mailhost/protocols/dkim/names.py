"""The names in signatures: domains, selectors, identities (RFC 6376 section 3.5), in A- or U-labels (RFC 8616)."""

import re
from typing import Final

from mailhost.protocols.addresses import MAX_DOMAIN_OCTETS, AddressSyntaxError, parse_domain
from mailhost.protocols.dkim.tag_lists import TagSyntaxError

# Of sub-domain (RFC 5321 section 4.1.2), and with underscores, which selectors out there have.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_QUOTED = re.compile(rb"=([0-9A-F]{2})")
_WHITE = re.compile(rb"[ \t\r\n]+")
MAX_IDENTITY_OCTETS: Final = 1024  # an address has 254; what is longer only fills logs


def domain_of(value: bytes) -> str:
    """d= as A-labels in lower case; it has two labels at least (section 3.5, its ABNF). Raises TagSyntaxError."""
    name = _name(value, "domain")
    if "." not in name:
        raise TagSyntaxError("The domain has one label only.")
    return name


def selector_of(value: bytes) -> str:
    """s= as A-labels in lower case; TagSyntaxError."""
    return _name(value, "selector")


def key_name(domain: str, selector: str) -> str:
    """Where the key is (section 3.6.2.1); TagSyntaxError where that is longer than a name can be."""
    name = f"{selector}._domainkey.{domain}"
    if len(name) > MAX_DOMAIN_OCTETS:
        raise TagSyntaxError("Selector and domain are too long together.")
    return name


def identity_of(value: bytes) -> tuple[str, str]:
    """i= decoded (dkim-quoted-printable, section 2.11), and its domain; TagSyntaxError."""
    local_part, at, domain = value.rpartition(b"@")
    if not at or len(value) > MAX_IDENTITY_OCTETS:
        raise TagSyntaxError("The identity is no address.")
    decoded = _QUOTED.sub(lambda found: bytes([int(found[1], 16)]), _WHITE.sub(b"", local_part))
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        raise TagSyntaxError("The identity is not in UTF-8.") from None
    if not text.isprintable():
        raise TagSyntaxError("The identity has control characters in it.")
    name = _name(domain, "domain of the identity")
    return f"{text}@{name}", name


def is_at_or_below(name: str, domain: str) -> bool:
    """Whether name is the domain or a subdomain of it; both in A-labels."""
    return name == domain or name.endswith("." + domain)


def _name(value: bytes, what: str) -> str:
    try:
        labels = value.decode("utf-8").lower().split(".", MAX_DOMAIN_OCTETS)
        name = ".".join(each if each.isascii() else parse_domain(each) for each in labels)
    except (UnicodeDecodeError, AddressSyntaxError):
        raise TagSyntaxError(f"The {what} is none.") from None
    if len(name) > MAX_DOMAIN_OCTETS or not all(_LABEL.fullmatch(each) for each in name.split(".")):
        raise TagSyntaxError(f"The {what} is none.")
    return name
