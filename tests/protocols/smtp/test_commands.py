"""Command lines, paths and parameters (RFC 5321 section 4.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.dsn_fields import decode_xtext
from mailhost.protocols.smtp.commands import Mail, parse_line, parse_mail, parse_rcpt
from mailhost.protocols.smtp.dsn_parameters import (
    DsnRequest,
    orcpt_in_utf8,
    parse_envid,
    parse_notify,
    parse_orcpt,
    parse_ret,
)
from mailhost.protocols.smtp.paths import ForwardPath, ReversePath
from mailhost.protocols.smtp.replies import CommandRefused, Reply

ALICE = EmailAddress("alice", "example.test")


@pytest.mark.parametrize(
    ("argument", "mail"),
    [
        ("FROM:<alice@example.test>", Mail(ReversePath(ALICE))),
        ("from: <alice@example.test>", Mail(ReversePath(ALICE))),
        ("FROM:alice@example.test", Mail(ReversePath(ALICE))),
        ("FROM:<>", Mail(ReversePath(None))),
        ("FROM:<> SIZE=10 BODY=8bitmime", Mail(ReversePath(None), 10, "8BITMIME")),
        ("FROM:<> BODY=binarymime", Mail(ReversePath(None), 0, "BINARYMIME")),
        ("FROM:<> RET=hdrs ENVID=QQ+2B314", Mail(ReversePath(None), ret="HDRS", envid="QQ+2B314")),
        ("FROM:<> REQUIRETLS", Mail(ReversePath(None), requires_tls=True)),
        ("FROM:<alice@example.test>  size=00 AUTH=<>", Mail(ReversePath(ALICE))),
        ("FROM:<@a.test,@[IPv6:::1]:alice@example.test>", Mail(ReversePath(ALICE))),
        ('FROM:<"a> b"@example.test>', Mail(ReversePath(EmailAddress("a> b", "example.test")))),
        (
            "FROM:<é@bücher.test> SMTPUTF8",
            Mail(ReversePath(EmailAddress("é", "xn--bcher-kva.test")), is_smtputf8=True),
        ),
    ],
)
def test_mail_is_read(argument: str, mail: Mail) -> None:
    assert parse_mail(argument) == mail


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        ("", "501 5.5.4"),
        ("TO:<alice@example.test>", "501 5.5.4"),
        ("FROM:", "501 5.5.4"),
        ("FROM:<alice@example.test", "501 5.5.4"),
        ("FROM:<alice@example.test>SIZE=1", "501 5.5.4"),
        ("FROM:<alice>", "501 5.1.7"),
        ("FROM:<a b@example.test>", "501 5.1.7"),
        ("FROM:<é@example.test>", "553 5.6.7"),
        ("FROM:<> SIZE=x", "501 5.5.4"),
        ("FROM:<> SIZE", "501 5.5.4"),
        ("FROM:<> SIZE=1 SIZE=1", "501 5.5.4"),
        ("FROM:<> SIZE=123456789012345678901", "501 5.5.4"),
        ("FROM:<> BODY=BINARY", "501 5.5.4"),
        ("FROM:<> REQUIRETLS=1", "501 5.5.4"),
        ("FROM:<> RET=ALL", "501 5.5.4"),
        ("FROM:<> RET", "501 5.5.4"),
        ("FROM:<> ENVID", "501 5.5.4"),
        ("FROM:<> ENVID=a+0b", "501 5.5.4"),
        ("FROM:<> ENVID=a+0A", "501 5.5.4"),
        ("FROM:<> ENVID=" + "a" * 101, "501 5.5.4"),
        ("FROM:<> SMTPUTF8=yes", "501 5.5.4"),
        ("FROM:<> XYZZY", "555 5.5.4"),
        ("FROM:<> =1", "501 5.5.4"),
    ],
)
def test_mail_that_makes_no_sense_is_refused(argument: str, reply: str) -> None:
    with pytest.raises(CommandRefused) as refusal:
        parse_mail(argument)
    assert str(refusal.value.reply).startswith(reply)


def test_parameters_need_ehlo() -> None:
    with pytest.raises(CommandRefused) as refusal:
        parse_mail("FROM:<> SIZE=1", is_extended=False)
    assert refusal.value.reply.code == 555


def test_dsn_parameters_of_rcpt_are_read() -> None:
    rcpt = parse_rcpt("TO:<alice@example.test> NOTIFY=success,DELAY ORCPT=rfc822;bob+2Bx@far.test")
    assert rcpt.dsn == DsnRequest("SUCCESS,DELAY", "rfc822;bob+2Bx@far.test")
    assert rcpt.dsn.wants_success
    assert parse_rcpt("TO:<alice@example.test> NOTIFY=never").dsn == DsnRequest("NEVER")
    # RFC 3461 section 4.1: 1#notify-list-element, and section 4.2: xtext may be nothing.
    assert parse_rcpt("TO:<alice@example.test> NOTIFY=DELAY,,delay,").dsn == DsnRequest("DELAY")
    assert parse_rcpt("TO:<alice@example.test> ORCPT=rfc822;").dsn == DsnRequest(orcpt="rfc822;")


@pytest.mark.parametrize(
    ("notify", "onward"),
    [
        ("SUCCESS", "NEVER"),
        ("SUCCESS,FAILURE,DELAY", "FAILURE,DELAY"),
        ("FAILURE", "FAILURE"),
        ("NEVER", "NEVER"),
        ("", ""),
    ],
)
def test_success_is_not_asked_of_those_whom_an_alias_leads_to(notify: str, onward: str) -> None:
    """RFC 3461 section 5.2.7.3 (c); without a word it would be FAILURE (section 4.1)."""
    assert DsnRequest(notify, "rfc822;a").without_success == DsnRequest(onward, "rfc822;a")


def test_utf_8_goes_as_it_is_to_whoever_takes_it() -> None:
    """RFC 6533 section 3: characters beyond ASCII, and no others; xtext means nothing there."""
    assert orcpt_in_utf8("utf-8;j\\x{F6}rg\\x{20}x+2B@far.test") == "utf-8;jörg\\x{20}x+2B@far.test"
    assert orcpt_in_utf8("rfc822;j\\x{F6}rg") == "rfc822;j\\x{F6}rg"


@pytest.mark.parametrize("point", ["9", "41", "D800", "0F6", "110000", "F6F6F6"])
def test_only_what_ascii_cannot_say_is_said_in_hexadecimal(point: str) -> None:
    """HEXPOINT of RFC 6533 section 3."""
    with pytest.raises(CommandRefused):
        parse_orcpt(f"utf-8;a\\x{{{point}}}")


def test_an_original_recipient_in_utf_8_is_kept_in_its_ascii_form() -> None:
    rcpt = parse_rcpt("TO:<alice@example.test> ORCPT=utf-8;jörg@far.test", is_smtputf8=True)
    assert rcpt.dsn.orcpt == "utf-8;j\\x{F6}rg@far.test"
    again = parse_rcpt(f"TO:<alice@example.test> ORCPT={rcpt.dsn.orcpt}")
    assert again.dsn == rcpt.dsn


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=30))
def test_any_printable_text_travels_as_xtext(text: str) -> None:
    xtext = "".join(each if "!" <= each <= "~" and each not in "+=" else f"+{ord(each):02X}" for each in text)
    assert parse_mail(f"FROM:<> ENVID={xtext}").envid == xtext
    assert decode_xtext(xtext) == text  # RFC 3464 section 2.2.1: case and spelling are kept


@given(st.text(max_size=120))
def test_any_parameter_values_are_read_or_refused(text: str) -> None:
    for parse in (parse_ret, parse_envid, parse_notify, parse_orcpt):
        try:
            kept = parse(text)
        except CommandRefused:
            continue
        assert kept.isascii()
        assert kept.isprintable()
        assert " " not in kept


def test_rcpt_is_read() -> None:
    assert parse_rcpt("TO:<alice@example.test>").forward_path == ForwardPath(ALICE)
    assert parse_rcpt("TO:<PostMaster>").forward_path == ForwardPath(None)


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        ("TO:<>", "501 5.1.3"),
        ("TO:<alice>", "501 5.1.3"),
        ("TO:<alice@example.test> RET=FULL", "555 5.5.4"),
        ("TO:<alice@example.test> NOTIFY=NEVER,DELAY", "501 5.5.4"),
        ("TO:<alice@example.test> NOTIFY=SUCCESS,NEVER", "501 5.5.4"),
        ("TO:<alice@example.test> NOTIFY=,", "501 5.5.4"),
        ("TO:<alice@example.test> NOTIFY", "501 5.5.4"),
        ("TO:<alice@example.test> ORCPT=bob@far.test", "501 5.5.4"),
        ("TO:<alice@example.test> ORCPT=rfc822;bob+0Aeve", "501 5.5.4"),
        ("TO:<alice@example.test> ORCPT=rfc822;" + "b" * 500, "501 5.5.4"),
        ("TO:<alice@example.test> ORCPT=utf-8;\\x{é}", "501 5.5.4"),
        ("TO:<alice@example.test> ORCPT=utf-8;" + "中" * 200, "501 5.5.4"),
        ("TO:<é@example.test>", "553 5.6.7"),
    ],
)
def test_rcpt_that_makes_no_sense_is_refused(argument: str, reply: str) -> None:
    with pytest.raises(CommandRefused) as refusal:
        parse_rcpt(argument)
    assert str(refusal.value.reply).startswith(reply)


def test_a_line_is_a_verb_and_an_argument() -> None:
    assert parse_line(b"rcpt  TO:<a@b.test> ") == ("RCPT", "TO:<a@b.test>")
    assert parse_line(b"QUIT") == ("QUIT", "")


@pytest.mark.parametrize("line", [b"NOOP \0", b"NOOP a\rb", b"NOOP \xff", b"\x1b[2J", "RſET".encode()])
def test_a_line_that_is_no_text_is_refused(line: bytes) -> None:
    with pytest.raises(CommandRefused) as refusal:
        parse_line(line)
    assert refusal.value.reply.code == 500


def test_replies_of_many_lines() -> None:
    assert Reply(250, "", "a\nb").encode() == b"250-a\r\n250 b\r\n"
    assert str(Reply(550, "5.1.1", "No")) == "550 5.1.1 No"


@given(st.binary(max_size=80), st.booleans())
def test_any_octets_are_read_or_refused(octets: bytes, is_utf8: bool) -> None:
    for keyword, parse in ((b"MAIL FROM:<", parse_mail), (b"RCPT TO:<", parse_rcpt)):
        for line in (octets, keyword + octets, keyword + octets + b">", keyword + b"a@b.test> " + octets):
            try:
                _, argument = parse_line(line)
                parse(argument)
            except CommandRefused as refusal:
                reply = refusal.reply.encode()
                assert reply[:1] == b"5"
                assert reply.count(b"\r\n") == 1
                assert len(reply) < 512  # RFC 5321 section 4.5.3.1.5
