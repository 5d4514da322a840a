"""POP3 command lines (RFC 1939 section 3) and the table of states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.pop3 import commands
from mailhost.protocols.pop3.commands import PARSERS, BadCommand, Command, parse
from mailhost.protocols.pop3.replies import ResponseCode, err, listing, ok
from mailhost.protocols.pop3.states import ALLOWED_IN, State, is_allowed


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"STAT", commands.Stat()),
        (b"stat ", commands.Stat()),
        (b"USER alice@example.test", commands.User("alice@example.test")),
        (b"PASS correct horse ", commands.Pass("correct horse ")),
        (b"PASS  leading", commands.Pass(" leading")),
        ("PASS Büro".encode(), commands.Pass("Büro")),
        (b"AUTH", commands.Auth(None, None)),
        (b"AUTH plain", commands.Auth("PLAIN", None)),
        (b"AUTH PLAIN =", commands.Auth("PLAIN", b"=")),
        (b"utf8", commands.Utf8()),
        (b"LANG", commands.Lang(None)),
        (b"LANG en-GB", commands.Lang("en-GB")),
        (b"LIST", commands.List(None)),
        (b"LIST 7", commands.List(7)),
        (b"Uidl 1", commands.Uidl(1)),
        (b"RETR 2", commands.Retr(2)),
        (b"TOP 1 0", commands.Top(1, 0)),
        (b"DELE 3", commands.Dele(3)),
    ],
)
def test_a_line_is_a_command(line: bytes, command: Command) -> None:
    assert parse(line) == command


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" STAT",
        b"XYZZY",
        b"STAT 1",
        b"USER",
        b"USER  ",
        b"PASS",
        b"PASS ",
        b"PASS \xff",
        b"PASS a\0b",
        b"AUTH PLAIN a b",
        b"UTF8 x",
        b"LANG a b",
        b"LIST -1",
        b"LIST 1 2",
        b"LIST \xd9\xa1",
        b"RETR",
        b"RETR 99999999999",
        b"TOP 1",
        b"TOP 1 x",
        b"RETR\t1",
        b"STAT\r",
    ],
)
def test_a_line_that_is_none_is_refused(line: bytes) -> None:
    with pytest.raises(BadCommand):
        parse(line)


@given(
    st.binary(max_size=60)
    | st.tuples(st.sampled_from(list(PARSERS)), st.binary()).map(lambda p: p[0].encode() + p[1])
)
def test_parsing_takes_any_octets(line: bytes) -> None:
    try:
        command = parse(line)
    except BadCommand:
        return
    assert is_allowed(command, State.AUTHORIZATION) or is_allowed(command, State.TRANSACTION)


def test_every_command_has_its_states() -> None:
    assert {command.__name__.upper() for command in ALLOWED_IN} == set(PARSERS)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(parse(b"PASS secret")) + repr(parse(b"AUTH PLAIN c2VjcmV0"))


@given(st.text())
def test_a_reply_is_one_line_of_512_octets_at_most(text: str) -> None:
    for reply in (ok(text), err(text, ResponseCode.SYS_TEMP)):
        assert reply.endswith(b"\r\n")
        assert reply.count(b"\n") == reply.count(b"\r") == 1
        assert len(reply) <= 512


def test_a_listing_comes_in_pieces() -> None:
    pieces = list(listing(ok(), (f"{number} 1" for number in range(1, 5001))))
    assert len(pieces) > 2
    assert b"".join(pieces).splitlines()[1:] == [*(b"%d 1" % number for number in range(1, 5001)), b"."]
