"""BODYSTRUCTURE and BODY in wire form (RFC 9051 sections 7.5.2 and 9: body, body-type-*, body-ext-*)."""

from mailhost.protocols.message.envelope import AddressBudget, correspondents, envelope
from mailhost.protocols.message.parameters import Parameters, parse_disposition
from mailhost.protocols.message.scanner import LIMITS, Kind, Limits, Part
from mailhost.protocols.message.wire import nstring, string


def body_structure(
    octets: bytes, root: Part, *, limits: Limits = LIMITS, is_extensible: bool = True
) -> bytes:
    """BODYSTRUCTURE, or without is_extensible BODY, of scanned octets."""
    out: list[bytes] = []
    _Writer(octets, out, is_extensible, AddressBudget.of(limits)).write(root)
    return b"".join(out)


class _Writer:
    def __init__(self, octets: bytes, out: list[bytes], is_extensible: bool, budget: AddressBudget) -> None:
        self.octets = octets
        self.out = out
        self.is_extensible = is_extensible
        self.budget = budget

    def write(self, part: Part) -> None:
        out = self.out
        out.append(b"(")
        if part.kind is Kind.MULTIPART:
            for child in part.children:
                self.write(child)
            out.append(b" %b" % string(part.content_type.subtype))
            if self.is_extensible:
                out.append(b" %b" % _parameters(part.content_type.parameters))
        else:
            self._write_single(part)
            if self.is_extensible:
                out.append(b" %b" % nstring(part.field(b"content-md5")))
        if self.is_extensible:
            out.append(
                b" %b %b %b" % (_disposition(part), _language(part), nstring(part.field(b"content-location")))
                if part.fields
                else b" NIL NIL NIL"
            )
        out.append(b")")

    def _write_single(self, part: Part) -> None:
        type_, subtype, parameters, media_type = part.content_type
        fields = part.fields
        encoding = fields.get(b"content-transfer-encoding")
        self.out.append(
            b"%b %b %b %b %b %b %d"
            % (
                string(type_),
                string(subtype),
                _parameters(parameters),
                nstring(part.field(b"content-id")),
                nstring(part.field(b"content-description")),
                string(encoding[0] or b"7bit") if encoding else b'"7bit"',
                part.body_end - part.body_start,
            )
        )
        if part.kind is Kind.MESSAGE:
            message = part.children[0]
            addresses = correspondents(message.fields, self.budget)
            self.out.append(b" %b " % envelope(message.fields, addresses))
            self.write(message)
            self.out.append(b" %d" % self._lines(part))
        elif media_type.startswith(b"text/"):
            self.out.append(b" %d" % self._lines(part))

    def _lines(self, part: Part) -> int:
        start, end = part.body_start, part.body_end
        # Text with CR alone as line end is rarer than a stray CR in ordinary text.
        return self.octets.count(b"\n", start, end) or self.octets.count(b"\r", start, end)


def _parameters(parameters: Parameters) -> bytes:
    if not parameters:
        return b"NIL"
    return b"(%b)" % b" ".join([b"%b %b" % (string(name), string(value)) for name, value in parameters])


def _disposition(part: Part) -> bytes:
    value = part.field(b"content-disposition")
    disposition = parse_disposition(value) if value else None
    if disposition is None:
        return b"NIL"
    return b"(%b %b)" % (string(disposition.type), _parameters(disposition.parameters))


def _language(part: Part) -> bytes:
    value = part.field(b"content-language")
    tags = [tag for tag in (value or b"").replace(b",", b" ").split() if tag]  # RFC 3282
    if not tags:
        return b"NIL"
    if len(tags) == 1:
        return string(tags[0])
    return b"(%b)" % b" ".join([string(tag) for tag in tags])
