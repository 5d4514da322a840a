"""SETACL and its kin on the wire (RFC 4314 sections 2.1, 3 and 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.acl import (
    RIGHTS,
    VIRTUAL,
    DeleteAcl,
    GetAcl,
    ListRights,
    MyRights,
    RightsChange,
    SetAcl,
    acl_response,
    list_rights_response,
    my_rights_response,
    take_rights,
    told_rights,
)
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.framing import CommandText
from mailhost.protocols.imap.parser import parse


def command_of(text: bytes) -> object:
    return parse(CommandText(b"a " + text, ())).command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b"SETACL INBOX bob lr", SetAcl("INBOX", "bob", RightsChange.REPLACE, "lr")),
        (b"setacl INBOX bob +rl", SetAcl("INBOX", "bob", RightsChange.ADD, "lr")),
        (b'SETACL INBOX bob "-cd"', SetAcl("INBOX", "bob", RightsChange.REMOVE, "kxte")),
        (b'SETACL INBOX bob ""', SetAcl("INBOX", "bob", RightsChange.REPLACE, "")),
        (b"SETACL INBOX bob +", SetAcl("INBOX", "bob", RightsChange.ADD, "")),
        (b'SETACL "A b" "bob@x" lrl', SetAcl("A b", "bob@x", RightsChange.REPLACE, "lr")),
        (b"DELETEACL INBOX bob", DeleteAcl("INBOX", "bob")),
        (b"GETACL INBOX", GetAcl("INBOX")),
        (b'LISTRIGHTS INBOX "b\xc2\xadob"', ListRights("INBOX", "bob", b"b\xc2\xadob")),
        (b"MYRIGHTS &AOk-", MyRights("é")),
    ],
)
def test_commands(text: bytes, command: object) -> None:
    assert command_of(text) == command


@pytest.mark.parametrize(
    "text",
    [
        b"SETACL INBOX bob",
        b"SETACL INBOX bob Lr",
        b"SETACL INBOX bob lr1",
        b"SETACL INBOX bob +-l",
        b'SETACL INBOX "\xc2\xad" lr',  # SASLprep leaves nothing of it
        b'SETACL INBOX "\xff" lr',
        b'SETACL INBOX "\xd8\xa7b" lr',  # two writing directions
        b"SETACL INBOX " + b"b" * 1_001 + b" lr",
        b"DELETEACL INBOX",
        b"LISTRIGHTS INBOX",
        b"GETACL INBOX bob",
        b"MYRIGHTS",
    ],
)
def test_what_is_refused(text: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        command_of(text)


@given(st.text("lrswipkxteacd"))
def test_rights_come_in_order_once_and_without_virtual_ones(text: str) -> None:
    rights = take_rights(text)
    meant = {member for letter in text for member in VIRTUAL.get(letter, letter)}
    assert set(rights) == meant
    assert rights == "".join(sorted(rights, key=RIGHTS.index))


@given(st.text())
def test_rights_are_taken_or_refused_and_never_passed_over(text: str) -> None:
    known = set(RIGHTS) | set(VIRTUAL)
    if set(text) <= known:
        take_rights(text)
    else:
        with pytest.raises(ImapSyntaxError):
            take_rights(text)


@given(st.text("lrswipkxteacd"))
def test_virtual_rights_are_told_beside_their_members(text: str) -> None:
    """Section 2.1.1; newer clients ignore them."""
    rights = take_rights(text)
    told = told_rights(rights)
    assert set(told) - set(VIRTUAL) == set(rights)
    for letter, members in VIRTUAL.items():
        assert (letter in told) == any(member in rights for member in members)


@given(st.binary(), st.sampled_from([b"SETACL", b"DELETEACL", b"GETACL", b"LISTRIGHTS", b"MYRIGHTS"]))
def test_any_octets_are_a_command_or_refused(octets: bytes, name: bytes) -> None:
    try:
        command_of(name + b" " + octets)
    except ImapSyntaxError:
        pass


def test_responses() -> None:
    assert acl_response(b"INBOX", [("a@x", RIGHTS), ("anyone", "lt"), ("c d", "")]) == (
        b'* ACL INBOX a@x lrswipkxtecda anyone ltd "c d" ""\r\n'
    )
    assert (
        list_rights_response(b"INBOX", b"a", required="", optional="lr") == b'* LISTRIGHTS INBOX a "" l r\r\n'
    )
    assert my_rights_response(b'"A b"', "lk") == b'* MYRIGHTS "A b" lkc\r\n'
    assert acl_response(b"INBOX", [("jürgen@x", "l")]) == b"* ACL INBOX {9}\r\nj\xc3\xbcrgen@x l\r\n"
