"""BODYSTRUCTURE and sections of odd and ordinary messages."""

import time

import pytest

from mailhost.protocols.message import Limits, PartMap, SectionText, body_only, header_fields, work_out
from tests.protocols.message.imap_grammar import Body, parse_body

NESTED = (
    b"From: a@example.test\r\n"
    b"Content-Type: multipart/mixed; boundary=outer\r\n"
    b"\r\n"
    b"preamble\r\n"
    b"--outer\r\n"
    b"Content-Type: multipart/alternative; boundary=outer1\r\n"
    b"\r\n"
    b"--outer1\r\n"
    b"\r\n"
    b"plain\r\n"
    b"--outer1  \r\n"
    b"Content-Type: text/html\r\n"
    b"\r\n"
    b"<p>rich\r\n"
    b"--outer1--\r\n"
    b"epilogue\r\n"
    b"--outer\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"Content-Description: forwarded\r\n"
    b"\r\n"
    b"Subject: inner\r\n"
    b"Content-Type: multipart/mixed; boundary=inner\r\n"
    b"\r\n"
    b"--inner\r\n"
    b"\r\n"
    b"one\r\n"
    b"--inner\r\n"
    b"Content-Type: image/png\r\n"
    b"\r\n"
    b"two\r\n"
    b"--inner--\r\n"
    b"--outer\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"\r\n"
    b"Subject: simple\r\n"
    b"\r\n"
    b"body\r\n"
    b"--outer--\r\n"
)


def structure(octets: bytes, limits: Limits | None = None) -> Body:
    return parse_body(work_out(octets, limits=limits or Limits()).body_structure)


def shape(body: Body) -> object:
    return (body.media_type, [shape(child) for child in body.children]) if body.children else body.media_type


def section(octets: bytes, number: tuple[int, ...], text: SectionText = "") -> bytes | None:
    span = PartMap.unpack(work_out(octets).parts).span(number, text)
    return None if span is None else octets[span[0] : span[1]]


def test_the_wire_form_of_a_simple_message() -> None:
    octets = b"Subject: hi\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\none\r\ntwo\r\n"
    expected = b'("text" "plain" ("charset" "UTF-8") NIL NIL "7bit" 10 2'
    assert work_out(octets).body_structure == expected + b" NIL NIL NIL NIL)"
    assert body_only(octets) == expected + b")"


def test_nested_multiparts_and_messages() -> None:
    assert shape(structure(NESTED)) == (
        "multipart/mixed",
        [
            ("multipart/alternative", ["text/plain", "text/html"]),
            ("message/rfc822", [("multipart/mixed", ["text/plain", "image/png"])]),
            ("message/rfc822", ["text/plain"]),
        ],
    )


@pytest.mark.parametrize(
    ("number", "text", "expected"),
    [
        ((1, 1), "", b"plain"),
        ((1, 1), "MIME", b"\r\n"),
        ((1, 2), "", b"<p>rich"),
        ((1, 2), "MIME", b"Content-Type: text/html\r\n\r\n"),
        ((2,), "MIME", b"Content-Type: message/rfc822\r\nContent-Description: forwarded\r\n\r\n"),
        ((2,), "HEADER", b"Subject: inner\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n"),
        ((2, 1), "", b"one"),
        ((2, 2), "", b"two"),
        ((2, 2), "MIME", b"Content-Type: image/png\r\n\r\n"),
        ((3,), "", b"Subject: simple\r\n\r\nbody"),
        ((3,), "TEXT", b"body"),
        ((3, 1), "", b"body"),
        ((3, 1), "MIME", b"Subject: simple\r\n\r\n"),
        ((1,), "HEADER", None),
        ((1, 3), "", None),
        ((4,), "", None),
        ((0,), "", None),
        ((1, 1, 1), "", None),
        ((3, 1, 1), "", None),
        ((3, 2), "", None),
        ((), "MIME", None),
        ((), "", NESTED),
        ((), "HEADER", NESTED[: NESTED.index(b"preamble")]),
        ((), "TEXT", NESTED[NESTED.index(b"preamble") :]),
    ],
)
def test_sections(number: tuple[int, ...], text: SectionText, expected: bytes | None) -> None:
    assert section(NESTED, number, text) == expected


def test_a_message_that_is_not_multipart_has_a_part_1() -> None:
    octets = b"Subject: hi\r\n\r\nbody"
    assert section(octets, (1,)) == b"body"
    assert section(octets, (1,), "MIME") == b"Subject: hi\r\n\r\n"
    assert section(octets, (1,), "HEADER") is None
    assert section(octets, (2,)) is None
    assert section(octets, (1, 1)) is None


def test_a_message_that_is_nothing_but_another_message() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody"
    assert section(octets, (1,), "HEADER") == b"Subject: inner\r\n\r\n"
    assert section(octets, (1, 1)) == b"body"


MULTIPART = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", "text/plain"),
        (b"\r\n", "text/plain"),
        (b"\0\0\r\n\0", "text/plain"),
        (b"no header at all\r\n", "text/plain"),
        (b"Content-Type: text\r\n\r\n", "text/plain"),
        (b"Content-Type: ;;;\r\n\r\n", "text/plain"),
        (b"Content-Type: (a (nested\\) one)) IMAGE / (b) png (c); name=x\r\n\r\n", "image/png"),
        (b"Content-Type:\r\n\timage/png\r\n\r\n", "image/png"),
        (b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--", "text/plain"),
        (MULTIPART, ("multipart/mixed", ["text/plain"])),
        (MULTIPART + b"no delimiter", ("multipart/mixed", ["text/plain"])),
        (MULTIPART + b"--b--\r\n", ("multipart/mixed", ["text/plain"])),
        (MULTIPART + b"--b\r\n\r\nunterminated", ("multipart/mixed", ["text/plain"])),
        (MULTIPART + b"--b\r\n--b\r\n--b--", ("multipart/mixed", ["text/plain", "text/plain"])),
        (MULTIPART + b"--b\r\nContent-Type: image/png\r\n--b--", ("multipart/mixed", ["image/png"])),
        (MULTIPART + b"--b\r\n\r\nx --b\r\n--bc\r\n --b\r\n--b--", ("multipart/mixed", ["text/plain"])),
        (MULTIPART + b"--b--\r\n--b\r\n\r\nlate", ("multipart/mixed", ["text/plain"])),
        ((MULTIPART + b"--b\r\n\r\nx\r\n--b--").replace(b"\r\n", b"\n"), ("multipart/mixed", ["text/plain"])),
        ((MULTIPART + b"--b\r\n\r\nx\r\n--b--").replace(b"\r\n", b"\r"), ("multipart/mixed", ["text/plain"])),
        (
            b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\ny\r\n--b--",
            ("multipart/digest", [("message/rfc822", ["text/plain"])]),
        ),
        (
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==",
            "application/octet-stream",
        ),
        (b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x", "message/delivery-status"),
        (b"Content-Type: message/global\r\n\r\nSubject: x\r\n", ("message/global", ["text/plain"])),
        (
            b'Content-Type: multipart/mixed; boundary="b c" \r\n\r\n--b c\r\n\r\n--b c--',
            ("multipart/mixed", ["text/plain"]),
        ),
        (
            MULTIPART + b"--b\r\n" + MULTIPART + b"--b\r\n\r\nx",
            ("multipart/mixed", [("multipart/mixed", ["text/plain"]), "text/plain"]),
        ),
    ],
)  # fmt: skip
def test_odd_messages_have_a_structure(octets: bytes, expected: object) -> None:
    assert shape(structure(octets)) == expected


def test_where_no_delimiter_is_found_the_text_is_served_as_part_1() -> None:
    assert section(MULTIPART + b"all there is", (1,)) == b"all there is"


def test_the_line_end_before_a_delimiter_belongs_to_the_delimiter() -> None:
    for line_end in (b"\r\n", b"\n", b"\r"):
        octets = (MULTIPART + b"--b\r\n\r\none\r\n\r\n--b--\r\n").replace(b"\r\n", line_end)
        assert section(octets, (1,)) == b"one" + line_end


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'a/b; name="q\\"uo;ted"; x=1', [(b"name", b'q"uo;ted'), (b"x", b"1")]),
        (b"a/b; name*0=one; name*1=two", [(b"name", b"onetwo")]),
        (b"a/b; name*1=two; name*0=one; name*3=lost", [(b"name", b"onetwo")]),
        (b"a/b; name*0*=utf-8''%C3%A4; name*1=\"b c\"", [(b"name*", b"utf-8''%C3%A4b%20c")]),
        (b"a/b; name*=utf-8'de'%C3%A4", [(b"name*", b"utf-8'de'%C3%A4")]),
        (b"a/b; name=two words.pdf; charset=x y", [(b"name", b"two words.pdf"), (b"charset", b"x")]),
        (b'a/b; name="unterminated', [(b"name", b"unterminated")]),
        (b"a/b;;; ; empty=; name = x", [(b"empty", b""), (b"name", b"x")]),
        (b"a/b; name=\xfcber", [(b"name", b"\xfcber")]),
    ],
)
def test_parameters(value: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert list(structure(b"Content-Type: " + value + b"\r\n\r\n").parameters) == expected


def test_extension_data() -> None:
    body = structure(
        b"Content-Type: image/png\r\n"
        b"Content-ID: <a@b>\r\n"
        b"Content-Description: \xe4\0\r\n"
        b"Content-MD5: Q2hlY2s=\r\n"
        b'Content-Disposition: attachment; filename="a\\\\b"\r\n'
        b"Content-Language: de, en\r\n"
        b"Content-Location: http://example.test/\r\n\r\n"
    )
    assert body.content_id == b"<a@b>"
    assert body.description == b"\xe4?"
    assert body.extension == (
        b"Q2hlY2s=",
        (b"attachment", ((b"filename", b"a\\b"),)),
        [b"de", b"en"],
        b"http://example.test/",
    )


def test_beyond_the_part_limit_the_rest_is_one_leaf() -> None:
    octets = MULTIPART + b"--b\r\n\r\nx\r\n" * 10
    body = structure(octets, Limits(parts=4))
    assert shape(body) == ("multipart/mixed", ["text/plain"] * 3)
    assert sum(child.octets for child in body.children) > 50


def test_beyond_the_depth_limit_a_multipart_is_a_leaf() -> None:
    octets = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(150)
    )
    body, depth = structure(octets), 1
    while body.children:
        body, depth = body.children[0], depth + 1
    assert (body.media_type, depth) == ("application/octet-stream", 101)


@pytest.mark.parametrize(
    "octets",
    [
        MULTIPART + b"--\n" * 300_000,
        MULTIPART + b"--b\nA: b\n" * 101_000,
        b"\r" * 1_000_000,
        b"To: " + b"a:b;" * 100_000,
        b"To: " + b'"\\' * 200_000,
        b"Content-Type: text/plain" + b"; a*1*=" * 100_000,
        b"Content-Type: text/html\r\n\r\n" + b"<style>" * 100_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 30_000,
        b"Subject: " + b"[re]" * 200_000,
    ],
)
def test_the_time_is_linear(octets: bytes) -> None:
    started = time.process_time()
    work_out(octets)
    assert (
        time.process_time() - started < 5
    )  # all take a fraction of a second; anything quadratic takes minutes


HEADER = b"Subject: one\r\nX-Odd:two\r\n\tfolded\r\nto : a@b\r\njunk\r\nTO: c@d\r\n\r\n"


@pytest.mark.parametrize(
    ("names", "exclude", "expected"),
    [
        (["to"], False, b"to : a@b\r\nTO: c@d\r\n\r\n"),
        ([b"X-ODD"], False, b"X-Odd:two\r\n\tfolded\r\n\r\n"),
        (["absent"], False, b"\r\n"),
        (["to", "subject"], True, b"X-Odd:two\r\n\tfolded\r\n\r\n"),
    ],
)
def test_header_fields(names: list[str | bytes], exclude: bool, expected: bytes) -> None:
    assert header_fields(HEADER, names, exclude=exclude) == expected


def test_header_fields_of_a_header_that_breaks_off() -> None:
    assert header_fields(b"A: b\nSubject: x", ["subject"]) == b"Subject: x\r\n\r\n"
