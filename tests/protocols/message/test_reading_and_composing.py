"""Messages for people, and theirs."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from mailhost.protocols.message import work_out
from mailhost.protocols.message.composing import Attachment, CannotCompose, compose
from mailhost.protocols.message.reading import Correspondent, read_attachment, read_message
from tests.protocols.message.imap_grammar import parse_body

NOW = datetime(2026, 11, 23, 13, 46, 24, tzinfo=UTC)

NEWSLETTER = b"""From: "News, Daily" <news@example.test>
Reply-To: answers@example.test
To: friends: alice@example.test;
Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=
Date: Mon, 23 Nov 2026 13:46:24 +0000
Content-Type: multipart/mixed; boundary=m

--m
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
--a
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PHA+R3LDvMOfZTxpbWcgc3JjPSJjaWQ6bG9nb0B4Ij4=
--r
Content-Type: image/png; name=logo.png
Content-ID: <logo@x>
Content-Transfer-Encoding: base64

iVBORw==
--r--
--a--
--m
Content-Type: application/pdf
Content-Disposition: attachment; filename*0*=utf-8''..%2F%C3%A4; filename*1=.pdf
Content-Transfer-Encoding: base64

JVBERi0=

--m
Content-Type: image/gif
Content-ID: <unused@x>

GIF
--m
Content-Type: message/rfc822

Subject: inner/outer

x
--m
Content-Type: text/plain

footer <b>
--m--
"""


def test_reading_a_newsletter() -> None:
    message = read_message(NEWSLETTER)
    assert message.subject == "Grüße"
    assert message.from_ == (Correspondent("News, Daily", "news@example.test"),)
    assert message.reply_to == (Correspondent("", "answers@example.test"),)
    assert message.to == (Correspondent("", "alice@example.test"),)
    assert message.date == NOW
    assert message.text_plain == "Grüße\nfooter <b>"
    assert message.text_html == '<p>Grüße<img src="cid:logo@x">\n<pre>footer &lt;b&gt;</pre>'
    assert [(a.section, a.filename, a.content_type, a.size_octets) for a in message.attachments] == [
        ("2", "_ä.pdf", "application/pdf", 5),
        ("4", "inner_outer.eml", "message/rfc822", 23),
        ("3", "attachment-3.gif", "image/gif", 3),
    ]
    assert message.inline["logo@x"].section == "1.2.2"
    assert not message.is_cut


def test_attachments_are_decoded_by_section() -> None:
    found = read_attachment(NEWSLETTER, "2")
    assert found is not None
    assert (found.filename, found.content_type, found.octets) == ("_ä.pdf", "application/pdf", b"%PDF-")
    logo = read_attachment(NEWSLETTER, "1.2.2")
    assert logo is not None
    assert logo.octets == b"\x89PNG"


@pytest.mark.parametrize("section", ["", "0", "1", "9", "1.2.2.1", "a", "1..2", "-1", "1.2.2\n", "²", "4.1"])
def test_what_is_no_leaf_is_not_there(section: str) -> None:
    assert read_attachment(NEWSLETTER, section) is None


def test_long_text_is_cut() -> None:
    message = read_message(b"\r\n" + b"x" * 100, max_text_octets=10)
    assert message.text_plain == "x" * 10
    assert message.is_cut


def composed(**changes: object) -> bytes:
    words: dict[str, object] = {
        "from_": Correspondent("Alice", "alice@example.test"),
        "to": ["bob@example.test"],
        "subject": "Hello",
        "text": "Hi\n",
        "message_id": "<1@example.test>",
        "date": NOW,
    }
    return compose(**(words | changes))  # type: ignore[arg-type]


def test_a_simple_message() -> None:
    octets = composed(
        cc=["C, D <c@example.test>"][:0], in_reply_to="<0@x>", references=["<a@x>", "broken", "<0@x>"]
    )
    assert octets == (
        b"From: Alice <alice@example.test>\r\n"
        b"To: bob@example.test\r\n"
        b"Subject: Hello\r\n"
        b"Date: Mon, 23 Nov 2026 13:46:24 +0000\r\n"
        b"Message-ID: <1@example.test>\r\n"
        b"In-Reply-To: <0@x>\r\n"
        b"References: <a@x>\r\n <0@x>\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hi\r\n"
    )


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        ("bob@example.test", b"bob@example.test"),
        ("Bob <bob@example.test>", b"Bob <bob@example.test>"),
        ('"Bob, B." <bob@example.test>', b'"Bob, B." <bob@example.test>'),
        (Correspondent('Bob "B"', "bob@example.test"), b'"Bob \\"B\\"" <bob@example.test>'),
        (Correspondent("Bj\r\nBcc: x", "bob@example.test"), b'"Bj Bcc: x" <bob@example.test>'),
        (Correspondent("Bjö", "bob@example.test"), b"=?utf-8?B?QmrDtg==?= <bob@example.test>"),
        ("bob@bücher.test", b"bob@xn--bcher-kva.test"),
        (Correspondent("", '"b b"@example.test'), b'"b b"@example.test'),
        ("bob@[192.0.2.1]", b"bob@[192.0.2.1]"),
        ("jürgen@example.test", "jürgen@example.test".encode()),
    ],
)
def test_addresses(person: Correspondent | str, expected: bytes) -> None:
    assert b"\r\nTo: " + expected + b"\r\nSubject" in composed(to=[person])


@pytest.mark.parametrize(
    "person",
    [
        "", "bob", "a@b, c@d", "bob@exa mple.test", "bob@example.test\r\nBcc: eve@example.test", "g: a@b;", "bob@",
        "@example.test", Correspondent("", "bob\r\n@example.test"), Correspondent("", "bob@example.test\r\nX: y"),
        Correspondent("", "bob@example.test>, <eve@example.test"), "bob@" + "ä" * 70 + ".test", "b@" + "a." * 600 + "b",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(person: Correspondent | str) -> None:
    with pytest.raises(CannotCompose):
        composed(to=[person])


def test_no_value_can_add_a_field() -> None:
    octets = composed(
        subject="x\r\nBcc: eve@example.test\n\rX: y",
        in_reply_to="<a@b>\r\nX: y",
        references=["<a@b>\nX: y"],
        attachments=[Attachment('a"\r\nX: y', "text/plain\r\nX: y", b"")],
    )
    assert b"\nX: y" not in octets
    assert b"\nBcc:" not in octets
    with pytest.raises(CannotCompose):
        composed(message_id="<a@b>\r\nX: y")
    with pytest.raises(CannotCompose):
        composed(date=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    "text", ["ä" * 400, "x" * 2000, "a\rb\n.\nFrom x\n", "", "trailing  \n\tü\n", "=?utf-8?Q?x?="]
)
def test_text_comes_back(text: str) -> None:
    octets = composed(text=text, subject=text)
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    expected = text.replace("\r", "\n")
    message = read_message(octets)
    assert (message.text_plain or "").rstrip("\n") == expected.rstrip("\n")
    assert message.subject == " ".join(text.split())


def test_long_words_stay_as_they_are_where_a_line_can_hold_them() -> None:
    domain = ".".join(["d" * 60] * 4)
    name = f"{domain}!{domain}!1!2.xml.gz"
    octets = composed(
        subject=f"Report Domain: {domain} Submitter: {domain}",
        attachments=[Attachment(name, "application/gzip", b"x")],
    )
    assert f"\r\nSubject: Report Domain:\r\n {domain}\r\n Submitter:\r\n {domain}\r\n".encode() in octets
    assert f'filename="{name}"\r\n'.encode() in octets


def test_a_forwarded_message_is_not_encoded() -> None:
    inner = b"Subject: inner\n\n\xe4\n"
    octets = composed(attachments=[Attachment("f.eml", "message/rfc822", inner)])
    body = parse_body(work_out(octets).body_structure)
    assert [child.media_type for child in body.children] == ["text/plain", "message/rfc822"]
    assert body.children[1].encoding == b"8bit"
    assert body.children[1].envelope is not None
    assert body.children[1].envelope.subject == b"inner"


def test_a_quoted_local_part_is_answered_as_it_was_read() -> None:
    sender = read_message(b'From: "a \\"b"@example.test\r\n\r\n').from_[0]
    assert sender.address == '"a \\"b"@example.test'
    assert b'\r\nTo: "a \\"b"@example.test\r\n' in composed(to=[sender])


def test_html_is_offered_beside_the_text_or_in_its_place() -> None:
    both = message_from_bytes(composed(text="Grüße\n", html="<p>Grüße</p>"), policy=default)
    assert [part.get_content_type() for part in both.walk()] == [
        "multipart/alternative", "text/plain", "text/html",
    ]  # fmt: skip
    assert [part.get_content().strip() for part in both.iter_parts()] == ["Grüße", "<p>Grüße</p>"]
    alone = message_from_bytes(composed(text="", html="<p>Hello</p>"), policy=default)
    assert (alone.get_content_type(), alone.get_content().strip()) == ("text/html", "<p>Hello</p>")


def test_a_report_is_a_multipart_report_with_fields_of_its_own() -> None:
    octets = compose(
        from_="a@b.test",
        to=["c@d.test"],
        subject="Report",
        text="For a program.",
        message_id="<1@b.test>",
        date=NOW,
        attachments=[Attachment("r.json.gz", "application/tlsrpt+gzip", b"\x1f\x8b")],
        report_type="tlsrpt",
        further_fields=[("TLS-Report-Domain", "d.test\r\nBcc: x@y.test"), ("TLS-Required", "No")],
    )
    header = octets.partition(b"\r\n\r\n")[0]
    assert b'\r\nContent-Type: multipart/report; report-type="tlsrpt";\r\n boundary="' in header
    assert b"\r\nTLS-Report-Domain: d.test Bcc: x@y.test\r\nTLS-Required: No\r\n" in header
    assert b"Content-Type: application/tlsrpt+gzip\r\n" in octets
