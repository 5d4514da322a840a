"""The client's side of SMTP: replies however they are cut, extensions, commands."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.smtp.client import (
    Extensions,
    ReplyReader,
    ReplySyntaxError,
    ServerReply,
    encode_data,
    mail_command,
    rcpt_command,
)

CONVERSATION = (
    b"220 mx.far.test ESMTP\r\n250-mx.far.test\r\n250-SIZE 1000\r\n250 PIPELINING\r\n"
    b"550-5.1.1 No\n550 5.1.1 way\n"
)


def replies(*pieces: bytes) -> list[ServerReply]:
    reader = ReplyReader()
    for piece in pieces:
        reader.feed(piece)
    return list(reader.replies)


@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=8))
def test_replies_are_the_same_wherever_the_octets_are_cut(cuts: list[int]) -> None:
    ends = sorted(cuts)
    pieces = [CONVERSATION[a:b] for a, b in zip([0, *ends], [*ends, len(CONVERSATION)], strict=True)]
    assert [reply.code for reply in replies(*pieces)] == [220, 250, 550]


def test_a_reply_reads_as_one_line_with_its_enhanced_code_once() -> None:
    last = replies(CONVERSATION)[-1]
    assert last.enhanced == "5.1.1"
    assert str(last) == "550 5.1.1 No way"


def test_an_enhanced_code_of_another_class_is_none() -> None:
    assert replies(b"450 5.1.1 mixed up\r\n")[0].enhanced == ""


def test_a_bare_code_is_a_reply() -> None:
    assert replies(b"250\r\n") == [ServerReply(250, ("",))]


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"99 x\r\n",
        b"650 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"220 " + b"x" * 5_000,
        b"250-x\r\n" * 200,
        b"\r\n",
    ],
)
def test_what_is_no_reply_is_refused_in_bounded_memory(octets: bytes) -> None:
    with pytest.raises(ReplySyntaxError):
        replies(octets)


@given(st.binary(max_size=500))
def test_any_octets_are_replies_or_refused(octets: bytes) -> None:
    try:
        for reply in replies(octets):
            assert "\n" not in str(reply)
    except ReplySyntaxError:
        pass


def test_extensions_are_read_from_ehlo() -> None:
    extensions = Extensions.parse(ServerReply(250, ("mx", "size 1000", "PIPELINING", "AUTH PLAIN", "???")))
    assert "SIZE" in extensions
    assert extensions.max_size_octets == 1000
    assert "PIPELINING" in extensions
    assert "STARTTLS" not in extensions
    assert Extensions.parse(ServerReply(250, ("mx", "SIZE 0"))).max_size_octets is None


def test_parameters_are_said_only_to_servers_that_know_them() -> None:
    knowing = Extensions({"SIZE": "", "8BITMIME": "", "SMTPUTF8": "", "DSN": ""})
    words = {"size_octets": 12, "body": "8BITMIME", "ret": "HDRS", "envid": "x1"}
    assert (
        mail_command(
            "", extensions=knowing, is_smtputf8=True, size_octets=12, body="8BITMIME", ret="HDRS", envid="x1"
        )
        == b"MAIL FROM:<> SIZE=12 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x1\r\n"
    )
    assert mail_command("a@b.test", extensions=Extensions(), **words) == b"MAIL FROM:<a@b.test>\r\n"  # type: ignore[arg-type]
    assert (
        rcpt_command("jörg@b.test", extensions=knowing, notify="NEVER", orcpt="rfc822;j")
        == "RCPT TO:<jörg@b.test> NOTIFY=NEVER ORCPT=rfc822;j\r\n".encode()
    )


def test_a_line_break_never_reaches_a_command() -> None:
    with pytest.raises(ValueError, match="control"):
        rcpt_command("a@b.test>\r\nDATA", extensions=Extensions())


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"x"]), max_size=20).map(b"".join))
def test_data_has_one_end_and_no_bare_line_ends(octets: bytes) -> None:
    data = encode_data(octets)
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert (b"\r\n" + data).find(b"\r\n.\r\n") == len(data) - 3
    lines = [line.removeprefix(b".") for line in data[:-3].split(b"\r\n")]
    sent = re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
    assert b"\r\n".join(lines) == (sent if sent.endswith(b"\r\n") or not sent else sent + b"\r\n")


def test_no_control_character_of_a_server_comes_through_in_words() -> None:
    reader = ReplyReader()
    reader.feed("550-5.1.1 no\u2028X: y\x85\r\n550 \0such\r\n".encode())
    assert str(reader.replies[0]) == "550 5.1.1 no X: y   such"
    with pytest.raises(ReplySyntaxError) as shown:
        reader.feed(b"\0 what\x1b[31m\r\n")
    assert str(shown.value) == "This is no SMTP reply: what [31m"


def test_no_control_character_of_a_server_is_in_its_extensions() -> None:
    offered = Extensions.parse(ServerReply(250, ("mx.test", "AUTH\0NTLM\0X", "SIZE\t100"))).offered
    assert offered == {"AUTH": "NTLM X", "SIZE": "100"}
