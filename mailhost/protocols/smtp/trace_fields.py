"""Fields that a host adds: Return-Path, Received (RFC 5321 section 4.4), read back too; Date, Message-ID (RFC 6409)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from mailhost.protocols.smtp.header import header_end, scan_fields
from mailhost.protocols.smtp.paths import ReversePath

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# What the client says of itself goes into the field only where it cannot be taken for anything else.
_HELO_IN_A_FIELD = re.compile(r"[A-Za-z0-9._\-]{1,255}|\[[A-Za-z0-9.:]{1,64}\]")
_HELO_UNKNOWN = "unknown"
# As received_field() writes it.
_OWN_RECEIVED = re.compile(
    rb" from (?P<helo>[A-Za-z0-9._\-]{1,255}|\[[A-Za-z0-9.:]{1,64}\])"
    rb" \(\[(?:IPv6:)?(?P<peer>[0-9A-Fa-f.:]{2,45})\]\)\r\n"
    rb"\tby (?P<host>[^ \r\n]{1,255}) with (?P<protocol>[A-Z0-9]{1,16}) id "
)


@dataclass(frozen=True, slots=True)
class Hop:
    """How a message came to this host. helo: what the client called itself; tls: "TLSv1.3" or ""."""

    helo: str
    peer: str
    host: str
    trace_id: str
    is_extended: bool = True
    is_authenticated: bool = False
    is_smtputf8: bool = False
    is_lmtp: bool = False
    tls: str = ""
    cipher: str = ""

    @property
    def protocol(self) -> str:
        """The word after "with": RFC 3848, RFC 6531 section 4.3."""
        if not self.is_extended:
            return "SMTP"
        if self.is_lmtp:
            word = "UTF8LMTP" if self.is_smtputf8 else "LMTP"
        else:
            word = "UTF8SMTP" if self.is_smtputf8 else "ESMTP"
        return word + ("S" if self.tls else "") + ("A" if self.is_authenticated else "")


def received_field(hop: Hop, *, forward_path: str = "", now: datetime) -> bytes:
    """The Received field (RFC 5321 section 4.4).

    forward_path: only where there is one recipient, so that no field tells of the others (section 7.6).
    """
    helo = hop.helo if _HELO_IN_A_FIELD.fullmatch(hop.helo) else _HELO_UNKNOWN
    lines = [
        f"Received: from {helo} ({address_literal(hop.peer)})",
        f"\tby {hop.host} with {hop.protocol} id {hop.trace_id}",
    ]
    if forward_path:
        lines.append(f"\tfor <{forward_path}>")
    if hop.tls:
        # RFC 8314 section 4.3: the cipher suite is what "tls" names, the version is a comment.
        lines.append(f"\ttls {hop.cipher} ({hop.tls})")
    return ("\r\n".join(lines) + f";\r\n\t{format_date(now)}\r\n").encode()


@dataclass(frozen=True, slots=True)
class Client:
    """Who brought a message: what it called itself ("" where that was no name), and its address."""

    helo: str
    peer: str


def client_of(header: bytes, *, host: str) -> Client | None:
    """Who brought the message with this header here, by the first Received field, which this host wrote; None where it
    was submitted to us by somebody who had signed in, or did not come by SMTP or LMTP."""
    header = header[: header_end(header)]
    first = next((field for field in scan_fields(header) if field.name == b"received"), None)
    found = _OWN_RECEIVED.match(header, first.value_start) if first is not None else None
    if found is None or found["host"].decode("latin-1") != host or found["protocol"].endswith(b"A"):
        return None
    helo = found["helo"].decode()
    return Client("" if helo == _HELO_UNKNOWN else helo, found["peer"].decode())


def return_path_field(reverse_path: ReversePath) -> bytes:
    """The Return-Path field of final delivery."""
    return f"Return-Path: <{reverse_path}>\r\n".encode()


def date_field(now: datetime) -> bytes:
    """A Date field for a message that was submitted without."""
    return f"Date: {format_date(now)}\r\n".encode()


def message_id_field(*, unique: str, host: str) -> bytes:
    """A Message-ID field; unique: at least 64 random bits as dot-atom text."""
    return f"Message-ID: <{unique}@{host}>\r\n".encode()


def format_date(now: datetime) -> str:
    """date-time of RFC 5322 section 3.3; now is aware. Its words are English whatever the locale."""
    offset = (
        "+0000" if now.tzinfo is UTC else now.strftime("%z")[:5]
    )  # strftime takes as long as all the rest
    return (
        f"{_DAYS[now.weekday()]}, {now.day} {_MONTHS[now.month - 1]} {now.year:04} "
        f"{now.hour:02}:{now.minute:02}:{now.second:02} {offset}"
    )


def address_literal(peer: str) -> str:
    """An IP address as RFC 5321 section 4.1.3 writes it."""
    return f"[IPv6:{peer}]" if ":" in peer else f"[{peer}]"
