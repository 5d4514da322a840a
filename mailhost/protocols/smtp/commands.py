"""Command lines (RFC 5321 section 4.1) with the parameters of MAIL and RCPT: SIZE (RFC 1870), BODY
(RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531), AUTH (RFC 4954 section 5), REQUIRETLS (RFC 8689), RET, ENVID, NOTIFY and
ORCPT (RFC 3461), HOLDFOR and HOLDUNTIL (RFC 4865), BY (RFC 2852)."""

import re
from dataclasses import dataclass
from typing import Literal

from mailhost.protocols.smtp.deliver_by import DeliverBy, parse_deliver_by
from mailhost.protocols.smtp.dsn_parameters import (
    NOTHING_ASKED,
    DsnRequest,
    parse_envid,
    parse_notify,
    parse_orcpt,
    parse_ret,
)
from mailhost.protocols.smtp.future_release import FutureRelease, parse_future_release
from mailhost.protocols.smtp.paths import ForwardPath, ReversePath, split_path
from mailhost.protocols.smtp.replies import CommandRefused

Body = Literal["7BIT", "8BITMIME", "BINARYMIME"]

_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# esmtp-param = esmtp-keyword ["=" esmtp-value]
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9\-]*)(?:=([^\x00-\x20=\x7f]+))?")
_SIZE = re.compile(r"[0-9]{1,20}")  # RFC 1870 section 4: up to 20 digits


@dataclass(frozen=True, slots=True)
class Mail:
    """MAIL FROM. size_octets is what the client says, 0 where it says nothing; ret and envid are "" there."""

    reverse_path: ReversePath
    size_octets: int = 0
    body: Body = "7BIT"
    is_smtputf8: bool = False
    ret: str = ""
    envid: str = ""
    requires_tls: bool = False
    future_release: FutureRelease | None = None
    deliver_by: DeliverBy | None = None


@dataclass(frozen=True, slots=True)
class Rcpt:
    """RCPT TO."""

    forward_path: ForwardPath
    dsn: DsnRequest = NOTHING_ASKED


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT: so many octets follow its line at once."""

    octets: int
    is_last: bool = False


def parse_line(line: bytes) -> tuple[str, str]:
    """(verb in upper case, argument) of a command line without its CRLF."""
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        raise CommandRefused(500, "5.5.2", "The command is not UTF-8") from error
    if _CONTROLS.search(text):
        raise CommandRefused(500, "5.5.2", "The command has control characters in it")
    verb, _, argument = text.partition(" ")
    if not verb.isascii():  # "ı" and "ſ" would become letters of ASCII in upper case
        raise CommandRefused(500, "5.5.1", "There is no such command")
    return verb.upper(), argument.strip()


def parse_mail(argument: str, *, is_extended: bool = True) -> Mail:
    """MAIL FROM:<reverse-path> [parameters]; is_extended: the client said EHLO."""
    path, words = split_path(_after_keyword("FROM:", argument))
    parameters = _parse_parameters(words, is_extended=is_extended)
    is_smtputf8 = _flag(parameters, "SMTPUTF8")
    _require_ascii(path, is_smtputf8=is_smtputf8)
    reverse_path = ReversePath.parse(path)
    size_octets = _parse_size(parameters.pop("SIZE", "0"))
    body = _parse_body(parameters.pop("BODY", "7BIT"))
    # RFC 4954 section 5: a server that does not trust the client takes AUTH= as AUTH=<>, which says nothing.
    parameters.pop("AUTH", None)
    ret, envid = parse_ret(parameters.pop("RET", "")), parse_envid(parameters.pop("ENVID", ""))
    requires_tls = _flag(parameters, "REQUIRETLS")
    future_release = parse_future_release(parameters.pop("HOLDFOR", ""), parameters.pop("HOLDUNTIL", ""))
    deliver_by = parse_deliver_by(parameters.pop("BY", ""))
    _require_none_left(parameters)
    return Mail(
        reverse_path, size_octets, body, is_smtputf8, ret, envid, requires_tls, future_release, deliver_by
    )


def parse_rcpt(argument: str, *, is_extended: bool = True, is_smtputf8: bool = False) -> Rcpt:
    """RCPT TO:<forward-path>; is_smtputf8: MAIL said so."""
    path, words = split_path(_after_keyword("TO:", argument))
    _require_ascii(path, is_smtputf8=is_smtputf8)
    forward_path = ForwardPath.parse(path)
    parameters = _parse_parameters(words, is_extended=is_extended)
    if not parameters:  # nearly always
        return Rcpt(forward_path)
    dsn = DsnRequest(parse_notify(parameters.pop("NOTIFY", "")), parse_orcpt(parameters.pop("ORCPT", "")))
    _require_none_left(parameters)
    return Rcpt(forward_path, dsn)


def parse_bdat(argument: str) -> Bdat:
    """BDAT chunk-size [LAST] (RFC 3030 section 2)."""
    size, _, end_marker = argument.partition(" ")
    if not _SIZE.fullmatch(size) or end_marker.strip().upper() not in {"", "LAST"}:
        raise CommandRefused(501, "5.5.4", "Syntax: BDAT size [LAST]; the connection ends here")
    return Bdat(int(size), bool(end_marker.strip()))


def _after_keyword(keyword: str, argument: str) -> str:
    if argument[: len(keyword)].upper() != keyword:
        raise CommandRefused(501, "5.5.4", f"Syntax: {keyword}<address>")
    return argument[len(keyword) :].lstrip(" ")


def _parse_parameters(words: str, *, is_extended: bool) -> dict[str, str | None]:
    parameters: dict[str, str | None] = {}
    for word in words.split():
        found = _PARAMETER.fullmatch(word)
        if not found:
            raise CommandRefused(501, "5.5.4", "A parameter has the form KEYWORD or KEYWORD=value")
        if not is_extended:
            raise CommandRefused(555, "5.5.4", "Parameters need EHLO")
        keyword = found[1].upper()
        if keyword in parameters:
            raise CommandRefused(501, "5.5.4", f"{keyword} is given twice")
        parameters[keyword] = found[2]
    return parameters


def _flag(parameters: dict[str, str | None], keyword: str) -> bool:
    if keyword not in parameters:
        return False
    if parameters.pop(keyword) is not None:
        raise CommandRefused(501, "5.5.4", f"{keyword} takes no value")
    return True


def _parse_size(value: str | None) -> int:
    if value is None or not _SIZE.fullmatch(value):
        raise CommandRefused(501, "5.5.4", "SIZE takes a number of octets")
    return int(value)


def _parse_body(value: str | None) -> Body:
    match (value or "").upper():
        case "7BIT":
            return "7BIT"
        case "8BITMIME":
            return "8BITMIME"
        case "BINARYMIME":
            return "BINARYMIME"
    raise CommandRefused(501, "5.5.4", "BODY is 7BIT, 8BITMIME or BINARYMIME")


def _require_ascii(path: str, *, is_smtputf8: bool) -> None:
    if not is_smtputf8 and not path.isascii():
        # RFC 6531 section 3.5
        raise CommandRefused(553, "5.6.7", "An address beyond ASCII needs MAIL with SMTPUTF8")


def _require_none_left(parameters: dict[str, str | None]) -> None:
    if parameters:
        # RFC 5321 section 4.5.3.1.5: a reply line has at most 512 octets.
        raise CommandRefused(555, "5.5.4", f"Parameter not known here: {', '.join(parameters)[:200]}")
