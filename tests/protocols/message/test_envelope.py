"""ENVELOPE: the examples of the standard and what else comes."""

import pytest

from mailhost.protocols.message import Limits, work_out
from tests.protocols.message.imap_grammar import Address, parse_envelope


def test_the_wire_form() -> None:
    octets = (
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n"
        b"From: Terry Gray <gray@cac.washington.edu>\r\n"
        b"Subject: IMAP4rev2 WG mtg summary and minutes\r\n"
        b"To: imap@cac.washington.edu\r\n"
        b"Cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        b"Message-ID: <B27397-0100000@cac.washington.ed>\r\n\r\n"
    )
    gray = b'(("Terry Gray" NIL "gray" "cac.washington.edu"))'
    assert work_out(octets).envelope == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" '
        + b" ".join([gray, gray, gray])
        + b' ((NIL NIL "imap" "cac.washington.edu"))'
        b' ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU"))'
        b' NIL NIL "<B27397-0100000@cac.washington.ed>")'
    )


GROUP_END: Address = (None, None, None, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@b", [(None, None, b"a", b"b")]),
        (b"a@b,, ,c@d,", [(None, None, b"a", b"b"), (None, None, b"c", b"d")]),
        (b'"Q, \\"x\\"" <a@b>', [(b'Q, "x"', None, b"a", b"b")]),
        (b"J. R.  \"Bob\" Dobbs <a@b>", [(b"J. R. Bob Dobbs", None, b"a", b"b")]),
        (b"=?utf-8?Q?=C3=A4?= <a@b>", [(b"=?utf-8?Q?=C3=A4?=", None, b"a", b"b")]),
        (b"\xe4 <a@b>", [(b"\xe4", None, b"a", b"b")]),
        (b"a@b (Al (the) Ias)", [(b"Al (the) Ias", None, b"a", b"b")]),
        (b"a (x) @ (y) b (z) . c", [(b"z", None, b"a", b"b.c")]),
        (b"<@x,@y:a@b>", [(None, b"@x,@y", b"a", b"b")]),
        (b"Name <@x:a@b>, c@d", [(b"Name", b"@x", b"a", b"b"), (None, None, b"c", b"d")]),
        (b'"a b"@c', [(None, None, b"a b", b"c")]),
        (b'<"a@b"@c>', [(None, None, b"a@b", b"c")]),
        (b"a@[192.0.2.1]", [(None, None, b"a", b"[192.0.2.1]")]),
        (b"undisclosed-recipients:;", [(None, None, b"undisclosed-recipients", None), GROUP_END]),
        (
            b"A Group: Ed <ed@x>, joe@y; last@z",
            [
                (None, None, b"A Group", None), (b"Ed", None, b"ed", b"x"), (None, None, b"joe", b"y"), GROUP_END,
                (None, None, b"last", b"z"),
            ],
        ),
        (b"open: a@b", [(None, None, b"open", None), (None, None, b"a", b"b"), GROUP_END]),
        (b"root", [(None, None, b"root", b"")]),
        (b"No Address", [(None, None, b"No Address", b"")]),
        (b"<>", [(None, None, b"", b"")]),
        (b"Name <a@b", [(b"Name", None, b"a", b"b")]),
        (b"Name <a@b> trailing, c@d", [(b"Name", None, b"a", b"b"), (None, None, b"c", b"d")]),
        (b'"unterminated <a@b>', [(None, None, b"unterminated <a@b>", b"")]),
        (b"a@b\r\n\t, c@d", [(None, None, b"a", b"b"), (None, None, b"c", b"d")]),
        (b"nul\0 <a@b>", [(b"nul?", None, b"a", b"b")]),
        (b"", []),
        (b"(only a comment)", []),
    ],
)  # fmt: skip
def test_addresses(value: bytes, expected: list[Address]) -> None:
    assert list(parse_envelope(work_out(b"To: " + value + b"\r\n\r\n").envelope).to) == expected


def test_an_absent_field_is_nil_and_an_empty_one_is_empty() -> None:
    envelope = parse_envelope(work_out(b"Subject:\r\nIn-Reply-To: \r\n\r\n").envelope)
    assert (envelope.date, envelope.subject, envelope.in_reply_to, envelope.message_id) == (
        None,
        b"",
        b"",
        None,
    )


def test_sender_and_reply_to_default_to_from() -> None:
    envelope = parse_envelope(work_out(b"From: a@b\r\nSender:\r\nReply-To: c@d\r\n\r\n").envelope)
    assert envelope.sender == envelope.from_ == ((None, None, b"a", b"b"),)
    assert envelope.reply_to == ((None, None, b"c", b"d"),)


def test_raw_8_bit_and_folded_values() -> None:
    envelope = parse_envelope(work_out(b"Subject: \xc3\xa4\r\n  b\r\n\r\n").envelope)
    assert envelope.subject == b"\xc3\xa4  b"


def test_the_first_of_several_subjects_and_all_recipients_are_told() -> None:
    envelope = parse_envelope(work_out(b"Subject: 1\r\nTo: a@b\r\nSubject: 2\r\nTo: c@d\r\n\r\n").envelope)
    assert envelope.subject == b"1"
    assert len(envelope.to) == 2


def test_long_lists_of_addresses_are_told_as_far_as_the_limits_go() -> None:
    inner = b"To: " + b"a@b, " * 50
    octets = b"To: " + b"a@b, " * 50 + b"\r\nContent-Type: message/rfc822\r\n\r\n" + inner
    worked_out = work_out(octets, limits=Limits(addresses=20))
    assert len(parse_envelope(worked_out.envelope).to) == 20
    assert worked_out.body_structure.count(b'"a"') == 20
    assert len(parse_envelope(work_out(octets, limits=Limits(address_octets=100)).envelope).to) == 20
