"""Writing a message (RFC 5322, RFC 2045-2047, RFC 2231): ASCII headers, CRLF lines, nothing that can add a field."""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import quote

from mailhost.protocols.message.address_list import parse_address_list
from mailhost.protocols.message.reading import Correspondent
from mailhost.protocols.message.text import one_line

LINE_LENGTH = 76  # RFC 5322 section 2.1.1 asks for 78 at most, RFC 2047 section 2 for 76
MAX_TEXT_LINE = 990  # RFC 5322 section 2.1.1: 998, beyond it text is encoded
MAX_WORD = 900  # a longer one is encoded: it would fit into no line
MAX_FILENAME = 700
ENCODED_WORD_OCTETS = 45  # 60 base64 digits and 12 octets around them stay within the 75 of RFC 2047

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")  # a phrase that needs no quotes
_DOT_ATOM = re.compile(r"[^\s\x00-\x20\x7f()<>@,;:\\\"\[\].]+(\.[^\s\x00-\x20\x7f()<>@,;:\\\"\[\].]+)*")
_HOST = re.compile(r"[^\s\x00-\x20\x7f()<>@,;:\\\"\[\]]+|\[[0-9A-Za-z.:]+\]")


class CannotCompose(ValueError):
    """An address, Message-ID or date that no message may carry; the text is for people."""


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    content_type: str
    octets: bytes


def compose(
    *,
    from_: Correspondent | str,
    to: Sequence[Correspondent | str],
    subject: str,
    text: str,
    message_id: str,
    date: datetime,
    cc: Sequence[Correspondent | str] = (),
    in_reply_to: str = "",
    references: Sequence[str] = (),
    attachments: Sequence[Attachment] = (),
    report_type: str = "",
    further_fields: Sequence[tuple[str, str]] = (),
    html: str = "",
) -> bytes:
    """The whole message with CRLF. Addresses as text may be `alice@example.test` or `Alice <alice@example.test>`.

    Line ends in names, subject and further fields become blanks; in an address or a Message-ID they raise
    CannotCompose. report_type: a token; with it and attachments it is a multipart/report (RFC 6522).
    html: the text once more for those who show it, or in its place where text is "".
    """
    if date.tzinfo is None:
        raise CannotCompose("The date has no time zone.")
    if not _MESSAGE_ID.fullmatch(message_id):
        raise CannotCompose("The Message-ID must be one <id> of ASCII characters.")
    fields = [
        ("From", _addresses([from_])),
        ("To", _addresses(to)),
        ("Cc", _addresses(cc)),
        ("Subject", _unstructured(subject, len("Subject: "))),
        ("Date", format_datetime(date)),
        ("Message-ID", message_id),
        ("In-Reply-To", in_reply_to if _MESSAGE_ID.fullmatch(in_reply_to) else ""),
        (
            "References",
            "\r\n ".join(reference for reference in references if _MESSAGE_ID.fullmatch(reference)),
        ),
        *((name, _unstructured(value, len(name) + 2)) for name, value in further_fields),
        ("MIME-Version", "1.0"),
    ]
    header = "".join(f"{name}: {value}\r\n" for name, value in fields if value).encode("utf-8", "replace")
    body = _text_part(text)
    if html:
        rich = _text_part(html, subtype="html")
        # RFC 2046 section 5.1.4: the richest comes last.
        body = _multipart([body, rich], kind="alternative") if text else rich
    if attachments:
        parts = [body, *(_attachment_part(attachment) for attachment in attachments)]
        body = _multipart(parts, kind=f'report; report-type="{report_type}"' if report_type else "mixed")
    return header + body


def encode_words(text: str) -> str:
    """As encoded words of UTF-8, on as many lines as it takes."""
    words = []
    chunk = b""
    for character in text:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > ENCODED_WORD_OCTETS:
            words.append(chunk)
            chunk = b""
        chunk += octets
    words.append(chunk)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(word).decode()}?=" for word in words)


def _unstructured(text: str, indent: int) -> str:
    text = one_line(text, limit=10_000)
    words = text.split(" ")
    if not text.isascii() or "=?" in text or max(map(len, words)) > MAX_WORD:
        return encode_words(text)
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + 1 + len(word) > LINE_LENGTH - indent:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return "\r\n ".join(lines)


def _addresses(people: Sequence[Correspondent | str]) -> str:
    return ",\r\n ".join(_address(person) for person in people)


def _address(person: Correspondent | str) -> str:
    name, mailbox, host = _parse(person)
    name = one_line(name, limit=500)
    if not _HOST.fullmatch(host) or not mailbox or any(ord(character) < 32 for character in mailbox):
        raise CannotCompose(f"“{one_line(str(person), limit=200)}” is not an address.")
    if not host.isascii():
        try:
            host = host.encode("idna").decode()
        except UnicodeError:
            raise CannotCompose(f"“{one_line(host, limit=200)}” is not a domain.") from None
    if not _DOT_ATOM.fullmatch(mailbox):
        mailbox = _quoted(mailbox)
    spec = f"{mailbox}@{host}"
    if len(spec.encode()) > 900:
        raise CannotCompose("An address is too long.")
    if not name:
        return spec
    if not name.isascii() or "=?" in name or len(name) > LINE_LENGTH:
        phrase = encode_words(name)
    else:
        phrase = name if _ATOMS.fullmatch(name) else _quoted(name)
    separator = " " if len(phrase) + len(spec) < LINE_LENGTH - 8 else "\r\n "
    return f"{phrase}{separator}<{spec}>"


def _parse(person: Correspondent | str) -> tuple[str, str, str]:
    if isinstance(person, str):
        found = parse_address_list(person.encode("utf-8", "replace"))
        if len(found) != 1 or "\r" in person or "\n" in person:
            raise CannotCompose(f"“{one_line(person, limit=200)}” is not an address.")
        address = found[0]
        if b"@%b" % (address.host or b"") not in person.encode("utf-8", "replace"):
            raise CannotCompose(
                f"“{one_line(person, limit=200)}” is not an address."
            )  # put together from pieces
        name, mailbox, host = address.name or b"", address.mailbox or b"", address.host or b""
        return (
            name.decode("utf-8", "replace"),
            mailbox.decode("utf-8", "replace"),
            host.decode("utf-8", "replace"),
        )
    mailbox_text, _, host_text = person.address.rpartition("@")
    if mailbox_text.startswith('"') and mailbox_text.endswith('"') and len(mailbox_text) > 1:
        mailbox_text = re.sub(r"\\(.)", r"\1", mailbox_text[1:-1])
    elif not _DOT_ATOM.fullmatch(mailbox_text):
        raise CannotCompose(f"“{one_line(person.address, limit=200)}” is not an address.")
    return person.name, mailbox_text, host_text


def _quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _text_part(text: str, *, subtype: str = "plain") -> bytes:
    lines = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[-1]:
        lines.append("")
    octets = "\r\n".join(lines).encode("utf-8", "replace")
    if octets.isascii() and max(map(len, lines)) <= MAX_TEXT_LINE:
        charset, encoding = b"us-ascii", b"7bit"
    else:
        charset, encoding = b"utf-8", b"quoted-printable"
        octets = binascii.b2a_qp(octets)  # it writes CRLF because the text's first line end is one
    return b"Content-Type: text/%b; charset=%b\r\nContent-Transfer-Encoding: %b\r\n\r\n%b" % (
        subtype.encode(),
        charset,
        encoding,
        octets,
    )


def _attachment_part(attachment: Attachment) -> bytes:
    content_type = attachment.content_type.strip().lower()
    if not _MEDIA_TYPE.fullmatch(content_type) or content_type.startswith("multipart/"):
        content_type = "application/octet-stream"
    encoding, octets = "base64", attachment.octets
    if content_type.startswith("message/"):
        if content_type == "message/rfc822" and b"\0" not in octets:  # RFC 2046 section 5.2.1: never base64
            encoding = "7bit" if octets.isascii() else "8bit"
            octets = re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
        else:
            content_type = "application/octet-stream"
    if encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    header = (
        f"Content-Type: {content_type}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n"
        f"Content-Disposition: attachment;\r\n {_filename(attachment.filename)}\r\n\r\n"
    )
    return header.encode() + octets


def _filename(name: str) -> str:
    # Two domains, as in a report's name, can have 500 characters; one line takes them.
    name = one_line(name, limit=MAX_FILENAME if name.isascii() else 200) or "attachment"
    if name.isascii():
        return f"filename={_quoted(name)}"
    return f"filename*=utf-8''{quote(name.encode('utf-8', 'replace')[:240], safe='')}"


def _multipart(parts: Sequence[bytes], *, kind: str) -> bytes:
    # Of the content, so that no clock or randomness is needed and the content cannot hold it.
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    boundary = b"=_" + digest.hexdigest()[:40].encode()
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
    return b'Content-Type: multipart/%b;\r\n boundary="%b"\r\n\r\n%b--%b--\r\n' % (
        kind.encode("ascii"),
        boundary,
        body,
        boundary,
    )
