"""Whatever octets come, the answers are grammatical and the offsets lie inside of them."""

import email
import email.message
import email.policy
from datetime import UTC, datetime
from itertools import pairwise
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.message import (
    Limits,
    PartMap,
    PartOffsets,
    body_only,
    delimiters,
    header_fields,
    work_out,
)
from mailhost.protocols.message.composing import Attachment, compose
from mailhost.protocols.message.reading import read_attachment, read_message
from mailhost.protocols.message.scanner import behind, scan
from mailhost.protocols.message.working_out import outline
from mailhost.protocols.smtp.header import begins_with_a_field
from tests.protocols.message.imap_grammar import Body, parse_body, parse_envelope
from tests.support.examples import examples

# Pieces that steer random octets into the scanner's corners.
PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b"--", b"--b", b"--b--", b"\r\n--b\r\n", b"\n--c\n", b"\r--b--\r",
        b"Content-Type: multipart/mixed; boundary=b\r\n", b'content-type:multipart/digest; boundary="c"\n',
        b"Content-Type: message/rfc822\r\n", b"Content-Type: text/html; charset*0*=utf-8''a; charset*1=b\r\n",
        b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Disposition: attachment; filename*=utf-16''%ff%00\r\n", b"Content-Language: de, en\r\n",
        b"From: ", b"To: g:a@b,", b";", b"<@a,@b:c@d>", b'"q\\"', b"(c(", b"Re: [x] (fwd)",
        b"Subject: =?utf-7?Q?+2AA-?=",
        b"Date: Mon, 99 Nov 0000 24:61:99 +9999", b"Date: 1 Jan 0001 00:00:00 +1400\r\n", b"\xff", "é".encode(),
        b"Message-ID: <a@b>\r\n", b"References: <a> <b>\r\n <c>\r\n", b"<style>", b"<b>", b"&amp;", b"=C3", b"=", b"%",
    ]
)  # fmt: skip
OCTETS = st.one_of(
    st.binary(max_size=300),
    st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=40).map(b"".join),
)


def check_offsets(part: PartOffsets, start: int, end: int) -> None:
    assert start <= part.header_start <= part.body_start <= part.body_end <= end
    for child in part.children:
        check_offsets(child, part.body_start, part.body_end)
    for before, after in pairwise(part.children):
        assert before.body_end <= after.header_start


def shape_of_offsets(part: PartOffsets) -> object:
    return [shape_of_offsets(child) for child in part.children]


def shape_of_body(body: Body) -> object:
    return [shape_of_body(child) for child in body.children]


@examples(400)
@given(OCTETS)
def test_an_outline_tells_what_it_tells_as_all_of_it_does(octets: bytes) -> None:
    told, whole = outline(octets), work_out(octets)
    for name in ("header_octets", "message_id", "subject"):
        assert getattr(told, name) == getattr(whole, name)
    assert (told.body_structure == b"") is not (whole.body_structure == b"")


@examples(400)
@given(OCTETS)
def test_any_octets_give_grammatical_answers(octets: bytes) -> None:
    worked_out = work_out(octets)
    envelope = parse_envelope(worked_out.envelope)
    assert bool(envelope.from_) <= bool(envelope.sender)
    body = parse_body(worked_out.body_structure)
    part_map = PartMap.unpack(worked_out.parts)
    assert shape_of_offsets(part_map.root) == shape_of_body(body)
    assert shape_of_body(parse_body(body_only(octets), is_extensible=False)) == shape_of_body(body)
    root = part_map.root
    assert (root.header_start, root.body_start, root.body_end) == (0, worked_out.header_octets, len(octets))
    check_offsets(root, 0, len(octets))
    for text in (worked_out.subject, worked_out.preview, worked_out.from_display, worked_out.to_display):
        text.encode()
        assert "\0" not in text
        assert len(text) <= 1_000
    assert len(worked_out.preview) <= 200
    assert header_fields(octets, [b"subject", "to"]).endswith(b"\r\n")
    header_fields(octets, [b"subject"], exclude=True)


@examples(200)
@given(OCTETS)
def test_any_octets_can_be_read(octets: bytes) -> None:
    message = read_message(octets)
    for attached in message.attachments:
        assert attached.filename
        found = read_attachment(octets, attached.section)
        assert found is not None
        assert found.filename == attached.filename


@examples(100)
@given(OCTETS, st.integers(1, 4), st.integers(1, 4))
def test_small_limits_hold(octets: bytes, depth: int, parts: int) -> None:
    worked_out = work_out(octets, limits=Limits(depth=depth, parts=parts, header_octets=50, header_fields=2))
    parse_body(worked_out.body_structure)
    check_offsets(PartMap.unpack(worked_out.parts).root, 0, len(octets))


TRACE_FIELDS = b"Return-Path: <a@b>\r\nReceived: from c\r\n\tby d;\r\n"


@examples(400)
@given(st.one_of(OCTETS, OCTETS.map(b"A: b\r\n".__add__)))
def test_a_message_behind_trace_fields_has_the_structure_of_another_scan(octets: bytes) -> None:
    whole = TRACE_FIELDS + octets
    root = behind(len(TRACE_FIELDS), octets, scan(octets))
    assert work_out(whole, root=root) == work_out(whole)
    assert (root is not None) == begins_with_a_field(octets)


def test_a_long_header_is_scanned_again() -> None:
    octets = b"A: b\r\n" * 5_000 + b"\r\n"
    assert behind(len(TRACE_FIELDS), octets, scan(octets)) is None


@examples(200)
@given(OCTETS)
def test_octets_full_of_dashes_are_divided_as_any_others(octets: bytes) -> None:
    expected = work_out(octets)
    with mock.patch.object(delimiters, "_MANY_MISSES", 0):
        assert work_out(octets) == expected


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)


@examples(100)
@given(TEXTS, TEXTS, st.lists(st.tuples(TEXTS, st.binary(max_size=300)), max_size=3), st.integers(0, 3000))
def test_a_composed_message_means_the_same_to_others_and_to_us(
    subject: str, text: str, files: list[tuple[str, bytes]], cut: int
) -> None:
    octets = compose(
        from_="Älice <alice@example.test>",
        to=["bob@example.test"],
        subject=subject,
        text=text,
        message_id="<1@example.test>",
        date=datetime(2026, 11, 23, tzinfo=UTC),
        attachments=[Attachment(name, "application/pdf", content) for name, content in files],
    )
    assert octets.replace(b"\r\n", b"").count(b"\n") == octets.replace(b"\r\n", b"").count(b"\r") == 0
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    header = octets[: work_out(octets).header_octets]
    assert header.isascii()
    theirs = email.message_from_bytes(octets, policy=email.policy.default)
    ours = read_message(octets)
    assert ours.subject == " ".join(str(theirs["subject"] or "").split()) or not subject.isprintable()
    assert [part.content_type for part in ours.attachments] == ["application/pdf"] * len(files)
    for attached, (_, content) in zip(ours.attachments, files, strict=True):
        found = read_attachment(octets, attached.section)
        assert found is not None
        assert found.octets == content
        assert attached.size_octets == len(content)
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert ours.text_plain == (expected if expected.endswith("\n") or not expected else expected + "\n")
    work_out(octets[:cut])  # cut anywhere


@st.composite
def parts(draw: st.DrawFn, depth: int = 0, path: str = "b") -> bytes:
    kind = draw(
        st.sampled_from(["text", "html", "data", "multipart", "digest", "message"] if depth < 4 else ["text"])
    )
    line_end = draw(st.sampled_from([b"\r\n", b"\n"]))
    if kind in ("multipart", "digest"):
        children = [draw(parts(depth + 1, f"{path}{number}")) for number in range(draw(st.integers(1, 3)))]
        boundary = path.encode() + b"x"
        body = b"".join(b"--" + boundary + line_end + child + line_end for child in children)
        return b"Content-Type: multipart/%b; boundary=%b\r\n\r\n%b--%b--%b" % (
            b"mixed" if kind == "multipart" else b"digest", boundary, body, boundary, line_end,
        )  # fmt: skip
    if kind == "message":
        return b"Content-Type: message/rfc822\r\n\r\nSubject: %b\r\n" % path.encode() + draw(
            parts(depth + 1, path + "m")
        )
    media_type = {"text": b"text/plain", "html": b"text/html", "data": b"application/octet-stream"}[kind]
    words = draw(st.lists(st.sampled_from([b"a", b"--", b" ", b"--b", line_end, b"-"]), max_size=10))
    return b"Content-Type: " + media_type + b"\r\n\r\n" + b"".join(words)


def check_against_email(body: Body, theirs: email.message.Message, ours: PartOffsets, octets: bytes) -> None:
    assert body.media_type == theirs.get_content_type()
    payload = theirs.get_payload()
    if isinstance(payload, list):
        assert len(body.children) == len(payload)
        for child, their_child, our_child in zip(body.children, payload, ours.children, strict=True):
            assert isinstance(their_child, email.message.Message)
            check_against_email(child, their_child, our_child, octets)
    else:
        assert octets[ours.body_start : ours.body_end].decode() == payload


@examples(200)
@given(parts())
def test_the_structure_is_the_one_that_others_see(octets: bytes) -> None:
    worked_out = work_out(octets)
    theirs = email.message_from_bytes(octets)
    check_against_email(
        parse_body(worked_out.body_structure), theirs, PartMap.unpack(worked_out.parts).root, octets
    )
