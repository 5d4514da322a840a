"""Reading an SPF record (RFC 7208 sections 3, 4.5, 4.6 and 12)."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

from mailhost.protocols.spf.macros import (
    MacroString,
    MacroSyntaxError,
    parse_domain_spec,
    parse_macro_string,
)
from mailhost.protocols.spf.results import Result, shown
from mailhost.protocols.spf.terms import A, All, Directive, Exists, Include, Ip, Mechanism, Mx, Ptr, Record

REMEMBERED_OCTETS: Final = 1_024  # larger records are read each time they come
_VERSION = re.compile(rb"v=spf1(?= |\Z)", re.IGNORECASE)
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9\-_.]*)=(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"([+\-?~]?)([A-Za-z][A-Za-z0-9\-_.]*)(.*)", re.DOTALL)
# dual-cidr-length = [ "/" ip4 ] [ "/" "/" ip6 ] without leading zeros, at the end of a term
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_NETWORK = re.compile(r":([0-9A-Fa-f.:]+)(?:/(0|[1-9][0-9]{0,2}))?")
_QUALIFIERS: Final = {
    "": Result.PASS,
    "+": Result.PASS,
    "-": Result.FAIL,
    "?": Result.NEUTRAL,
    "~": Result.SOFTFAIL,
}


class RecordSyntaxError(ValueError):
    """The record is a permerror as a whole (RFC 7208 section 4.6); the message is a sentence for people."""


def spf_records(records: Sequence[bytes]) -> list[bytes]:
    """Those of a name's TXT records that are SPF's (RFC 7208 section 4.5)."""
    return [record for record in records if _VERSION.match(record)]


def parse_record(octets: bytes) -> Record:
    """A record that spf_records found. Any syntax error anywhere raises RecordSyntaxError."""
    return _parse_once(octets) if len(octets) <= REMEMBERED_OCTETS else _parse(octets)


def _parse(octets: bytes) -> Record:
    try:
        text = octets.decode("ascii")  # RFC 7208 section 3.1
    except UnicodeDecodeError as error:
        raise RecordSyntaxError("it has a character that is not ASCII") from error
    directives: list[Directive] = []
    modifiers: dict[str, MacroString] = {}
    for term in text[len("v=spf1") :].split(" "):
        try:
            if modifier := _MODIFIER.fullmatch(term):
                _add_modifier(modifiers, modifier[1].lower(), modifier[2])
            elif term:
                directives.append(_parse_directive(term))
        except MacroSyntaxError as error:
            raise RecordSyntaxError(f'in "{shown(term)}" {error}') from error
    return Record(tuple(directives), modifiers.get("redirect"), modifiers.get("exp"))


# Mail comes from the same domains again and again.
_parse_once = lru_cache(maxsize=2_000)(_parse)


def _add_modifier(modifiers: dict[str, MacroString], name: str, value: str) -> None:
    if name not in {"redirect", "exp"}:
        parse_macro_string(value)  # unknown ones mean nothing, but have to be well-formed (section 6)
        return
    if name in modifiers:
        raise RecordSyntaxError(f"{name}= stands in it twice")
    modifiers[name] = parse_domain_spec(value)


def _parse_directive(term: str) -> Directive:
    found = _DIRECTIVE.fullmatch(term)
    parser = _PARSERS.get(found[2].lower()) if found else None
    if found is None or parser is None:
        raise RecordSyntaxError(f'"{shown(term)}" is no mechanism')
    return Directive(_QUALIFIERS[found[1]], parser(found[3]), term)


def _parse_all(rest: str) -> Mechanism:
    if rest:
        raise MacroSyntaxError("all takes no argument")
    return All()


def _required_domain(rest: str) -> MacroString:
    if not rest.startswith(":"):
        raise MacroSyntaxError("a domain is missing")
    return parse_domain_spec(rest[1:])


def _optional_domain(rest: str) -> MacroString | None:
    return _required_domain(rest) if rest else None


def _domain_and_prefixes(rest: str) -> tuple[MacroString | None, int, int]:
    cidr = _DUAL_CIDR.search(rest)
    ip4, ip6 = cidr.groups() if cidr else (None, None)
    ip4_prefix, ip6_prefix = int(ip4 or 32), int(ip6 or 128)
    if ip4_prefix > 32 or ip6_prefix > 128:
        raise MacroSyntaxError("the prefix is too long")
    return _optional_domain(rest[: cidr.start()] if cidr else rest), ip4_prefix, ip6_prefix


def _parse_ip4(rest: str) -> Mechanism:
    found = _NETWORK.fullmatch(rest)
    try:
        if found is None:
            raise ValueError
        return Ip(IPv4Network((IPv4Address(found[1]), int(found[2] or 32)), strict=False))
    except ValueError as error:
        raise MacroSyntaxError("there is no IPv4 network") from error


def _parse_ip6(rest: str) -> Mechanism:
    found = _NETWORK.fullmatch(rest)
    try:
        if found is None:
            raise ValueError
        return Ip(IPv6Network((IPv6Address(found[1]), int(found[2] or 128)), strict=False))
    except ValueError as error:
        raise MacroSyntaxError("there is no IPv6 network") from error


_PARSERS: Final[dict[str, Callable[[str], Mechanism]]] = {
    "all": _parse_all,
    "include": lambda rest: Include(_required_domain(rest)),
    "a": lambda rest: A(*_domain_and_prefixes(rest)),
    "mx": lambda rest: Mx(*_domain_and_prefixes(rest)),
    "ptr": lambda rest: Ptr(_optional_domain(rest)),
    "ip4": _parse_ip4,
    "ip6": _parse_ip6,
    "exists": lambda rest: Exists(_required_domain(rest)),
}
