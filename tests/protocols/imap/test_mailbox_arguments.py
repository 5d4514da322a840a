"""Arguments of CREATE, LIST, quota and metadata commands: what is written is read, what is broken is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.commands import Create, List
from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.metadata import GetMetadata, SetMetadata, metadata_response
from mailhost.protocols.imap.names import write_name
from mailhost.protocols.imap.parser import parse
from mailhost.protocols.imap.quota import GetQuota, Resource, SetQuota, quota_response, storage
from mailhost.protocols.imap.responses import astring
from tests.protocols.imap.wire import frame

COMPONENTS = st.text(
    st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="/*%"), min_size=1, max_size=8
)
ENTRIES = st.builds(
    lambda scope, components: "/".join(["", scope, *components]).lower(),
    st.sampled_from(["private", "shared"]),
    st.lists(COMPONENTS.filter(lambda text: text.lower() != "vendor"), min_size=1, max_size=3),
)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
VALUES = st.binary(max_size=40) | st.none()
# Words of these grammars, and octets that are in none.
PIECES = st.sampled_from(
    [
        *(
            b" ",
            b"(",
            b")",
            b'"',
            b"\\",
            b"{3+}\r\nabc",
            b"~{1+}\r\n\0",
            b"NIL",
            b"INBOX",
            b"USE",
            b"\\Sent",
            b"/private/x",
        ),
        *(
            b"DEPTH",
            b"infinity",
            b"MAXSIZE",
            b"1",
            b"99999999999999999999",
            b"STORAGE",
            b"MESSAGE",
            b"RETURN",
            b"STATUS",
        ),
        *(
            b"METADATA",
            b"SUBSCRIBED",
            b"RECURSIVEMATCH",
            b"REMOTE",
            b"%",
            b"*",
            b"\xff",
            b"\x01",
            b"SIZE",
            b"&-",
            b"&AGE-",
        ),
    ]
)
VERBS = st.sampled_from(
    [b"CREATE", b"LIST", b"LSUB", b"STATUS", b"GETQUOTA", b"GETQUOTAROOT", b"SETQUOTA"]
) | st.sampled_from([b"GETMETADATA", b"SETMETADATA", b"RENAME", b"DELETE"])


def value_on_the_wire(value: bytes | None) -> bytes:
    return b"NIL" if value is None else b"~{%d+}\r\n%b" % (len(value), value)


@given(NAMES, st.dictionaries(ENTRIES, VALUES, min_size=1, max_size=5), st.booleans())
def test_what_is_set_is_what_was_written(
    name: str, values: dict[str, bytes | None], has_utf8_names: bool
) -> None:
    pairs = b" ".join(astring(e.upper().encode()) + b" " + value_on_the_wire(v) for e, v in values.items())
    wire = b"a SETMETADATA %b (%b)" % (
        write_name(name, is_utf8=has_utf8_names),
        pairs,
    )
    command = parse(frame(wire), has_utf8_names=has_utf8_names).command
    assert command == SetMetadata(name, values)


@given(st.dictionaries(ENTRIES, VALUES, min_size=1, max_size=5))
def test_what_is_told_can_be_set_again(values: dict[str, bytes | None]) -> None:
    told = metadata_response(b"INBOX", values.items())
    assert told.startswith(b"* METADATA INBOX (")
    again = b"a SETMETADATA INBOX (" + told.removeprefix(b"* METADATA INBOX (").removesuffix(b"\r\n")
    assert parse(frame(again)).command == SetMetadata("INBOX", values)


@given(
    st.lists(ENTRIES, min_size=1, max_size=4, unique=True),
    st.none() | st.integers(0, 0xFFFF_FFFF),
    st.sampled_from(["", "0", "1", "infinity", "INFINITY"]),
    st.booleans(),
)
def test_options_may_stand_before_or_behind_the_name(
    entries: list[str], size: int | None, depth: str, before: bool
) -> None:
    options = ([f"MAXSIZE {size}"] if size is not None else []) + ([f"DEPTH {depth}"] if depth else [])
    words = b" ".join(astring(entry.encode()) for entry in entries)
    listed = f"({' '.join(options)}) ".encode() if options else b""
    wire = b"a GETMETADATA " + (listed + b"INBOX " if before else b"INBOX " + listed) + b"(" + words + b")"
    command = parse(frame(wire)).command
    assert isinstance(command, GetMetadata)
    assert (command.entries, command.max_octets) == (tuple(entries), size)
    assert (command.depth == 0) is (depth in {"", "0"})


@given(
    st.lists(
        st.tuples(st.sampled_from(["STORAGE", "MESSAGE", "X"]), st.integers(0, (1 << 63) - 1)), max_size=4
    )
)
def test_limits_are_read(limits: list[tuple[str, int]]) -> None:
    words = " ".join(f"{name.lower()} {limit}" for name, limit in limits)
    assert parse(frame(f'a SETQUOTA "" ({words})'.encode())).command == SetQuota(b"", tuple(limits))
    assert parse(frame(b'a GETQUOTA ""')).command == GetQuota(b"")


@given(st.integers(0, 1 << 60), st.integers(1, 1 << 60))
def test_storage_is_never_told_as_less_than_it_is(octets: int, quota: int) -> None:
    resource = storage(octets, quota)
    assert 0 <= resource.usage * 1024 - octets < 1024
    assert 0 <= resource.limit * 1024 - quota < 1024
    assert (octets <= quota) <= (resource.usage <= resource.limit)
    assert quota_response(b"", [resource, Resource("MESSAGE", 1, 2)]).endswith(b" MESSAGE 1 2)\r\n")


@given(VERBS, st.lists(PIECES, max_size=14))
def test_anything_is_a_command_or_a_syntax_error(verb: bytes, pieces: list[bytes]) -> None:
    try:
        tagged = parse(frame(b"a " + verb + b" " + b"".join(pieces)))
    except ImapSyntaxError:
        return
    assert tagged.name == verb.decode()


def test_create_and_list() -> None:
    assert parse(frame(b"a CREATE x (USE (\\Sent \\sent))")).command == Create("x", ("\\Sent", "\\sent"))
    assert parse(frame(b"a CREATE x ")).command == Create("x")
    wire = b"a LIST (REMOTE SUBSCRIBED RECURSIVEMATCH) r (a% *) "
    wire += b"RETURN (CHILDREN STATUS (SIZE SIZE) METADATA (/shared/X))"
    assert parse(frame(wire)).command == List(
        "r",
        ("a%", "*"),
        frozenset({"REMOTE", "SUBSCRIBED", "RECURSIVEMATCH"}),
        frozenset({"CHILDREN", "STATUS", "METADATA"}),
        ("SIZE",),
        is_extended=True,
        metadata_entries=("/shared/x",),
    )


@pytest.mark.parametrize(
    "arguments",
    [
        b'LIST (RECURSIVEMATCH) "" *',
        b'LIST (REMOTE RECURSIVEMATCH) "" *',
        b'LIST (NEWEST) "" *',
        b'LIST () "" ()',
        b'LIST "" * RETURN (NEWEST)',
        b'LIST "" * RETURN',
        b'LIST "" * CHILDREN',
        b'LIST "" (' + b" ".join([b"x"] * 21) + b")",
        b'LIST "" (' + b" ".join([b"x" * 400] * 6) + b")",
        b"LIST " + b"r" * 200 + b" (" + b" ".join([b"x"] * 10) + b")",
        b"LSUB " + b"r" * 1500 + b" " + b"x" * 501,
        b"CREATE x (USE (" + b" ".join([b"\\a"] * 21) + b"))",
        b'SETQUOTA "" (' + b" ".join([b"x 1"] * 21) + b")",
        b"GETQUOTA " + b"x" * 1001,
        b"SETMETADATA INBOX (" + b" ".join(b"/private/%d NIL" % number for number in range(101)) + b")",
    ],
)
def test_bounds_and_what_makes_no_sense(arguments: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        parse(frame(b"a " + arguments))
