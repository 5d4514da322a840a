"""The parser: what each command becomes, what is refused, and that nothing else is ever raised."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap import commands as c
from mailhost.protocols.imap import search_keys as k
from mailhost.protocols.imap.appending import Append, NewMessage, Replace, Url
from mailhost.protocols.imap.errors import ImapSyntaxError, UnknownCharset
from mailhost.protocols.imap.fetch_items import MACROS, Attribute, Section, SectionText
from mailhost.protocols.imap.framing import CommandText
from mailhost.protocols.imap.parser import parse, parse_tag
from mailhost.protocols.imap.sequence_sets import SequenceSet
from tests.protocols.imap.wire import frame

ONE = SequenceSet(((1, 1),))


def command(octets: bytes) -> c.Command:
    return parse(frame(b"a " + octets)).command


COMMANDS: list[tuple[bytes, c.Command]] = [
    (b"capability", c.Capability()),
    (b"NOOP ", c.Noop()),
    (b"LOGOUT", c.Logout()),
    (b"ID NIL", c.Id()),
    (b'ID ("name" "Thunderbird" "os" NIL)', c.Id((("name", "Thunderbird"), ("os", None)))),
    (b"STARTTLS", c.StartTls()),
    (b"AUTHENTICATE plain", c.Authenticate("PLAIN")),
    (b"AUTHENTICATE PLAIN AGFAYgBj", c.Authenticate("PLAIN", b"AGFAYgBj")),
    (b"AUTHENTICATE PLAIN =", c.Authenticate("PLAIN", b"=")),
    (b'LOGIN alice@example.test "se\\"cr\\\\et"', c.Login(b"alice@example.test", b'se"cr\\et')),
    (b"LOGIN {5}\r\nalice {6}\r\nse\r\net", c.Login(b"alice", b"se\r\net")),
    (b"NAMESPACE", c.Namespace()),
    (b"SELECT INBOX", c.Select("INBOX")),
    (b'EXAMINE "Entw&APw-rfe"', c.Select("Entwürfe", is_read_only=True)),
    (b"CREATE a/b]", c.Create("a/b]")),
    (b"DELETE {3}\r\na b", c.Delete("a b")),
    (b"RENAME a b", c.Rename("a", "b")),
    (b"SUBSCRIBE a", c.Subscribe("a")),
    (b"UNSUBSCRIBE a", c.Subscribe("a", is_subscribed=False)),
    (b'LIST "" *', c.List("", ("*",))),
    (b"LIST a/ %", c.List("a/", ("%",))),
    (
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" (INBOX "S*") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))',
        c.List(
            "",
            ("INBOX", "S*"),
            frozenset({"SUBSCRIBED", "RECURSIVEMATCH"}),
            frozenset({"CHILDREN", "STATUS"}),
            ("MESSAGES", "UNSEEN"),
            is_extended=True,
        ),
    ),
    (b'LSUB "" "*"', c.Lsub("", "*")),
    (b"STATUS INBOX (MESSAGES UIDNEXT MESSAGES)", c.Status("INBOX", ("MESSAGES", "UIDNEXT"))),
    (b"IDLE", c.Idle()),
    (b"CHECK", c.Check()),
    (b"CLOSE", c.Close()),
    (b"UNSELECT", c.Unselect()),
    (b"EXPUNGE", c.Expunge()),
    (b"UID EXPUNGE 1:*", c.Expunge(SequenceSet(((1, 0),)))),
    (b"APPEND Sent {3}\r\nx\r\n", Append("Sent", (NewMessage((), None, (b"x\r\n",)),))),
    (
        b'APPEND "Sent" (\\SEEN $Forwarded \\Recent) " 1-Feb-2020 00:30:00 +0100" {1+}\r\nx',
        Append(
            "Sent",
            (NewMessage(("\\Seen", "$Forwarded"), datetime(2020, 1, 31, 23, 30, tzinfo=UTC), (b"x",)),),
        ),
    ),
    (
        b"APPEND {4}\r\nSent ~{1}\r\n\0 () {1}\r\nx",
        Append(
            "Sent",
            (NewMessage((), None, (b"\0",), frozenset({"BINARY"})), NewMessage((), None, (b"x",))),
        ),
    ),
    (
        b'APPEND Sent CATENATE (TEXT {1}\r\na URL "/INBOX/;UID=1" text ~{1+}\r\nb URL {6}\r\n;UID=2)',
        Append(
            "Sent",
            (
                NewMessage(
                    (),
                    None,
                    (b"a", Url("/INBOX/;UID=1"), b"b", Url(";UID=2")),
                    frozenset({"CATENATE", "BINARY"}),
                ),
            ),
        ),
    ),
    (
        b"REPLACE * Drafts (\\Draft) UTF8 (~{1}\r\nx)",
        Replace(
            SequenceSet(((0, 0),)),
            "Drafts",
            NewMessage(("\\Draft",), None, (b"x",), frozenset({"UTF8=ACCEPT"})),
        ),
    ),
    (b"UID REPLACE 1 Drafts {1}\r\nx", Replace(ONE, "Drafts", NewMessage((), None, (b"x",)), by_uid=True)),
    (b"FETCH 1 FAST", c.Fetch(ONE, MACROS[b"FAST"])),
    (b"UID FETCH 1 (UID FLAGS uid)", c.Fetch(ONE, (Attribute.UID, Attribute.FLAGS), by_uid=True)),
    (b"FETCH 1 BODY", c.Fetch(ONE, (Attribute.BODY,))),
    (b"FETCH 1 BODY[]", c.Fetch(ONE, (Section(b"BODY[]"),))),
    (
        b"FETCH 1 BODY.PEEK[1.2.mime]<5.10>",
        c.Fetch(ONE, (Section(b"BODY[1.2.MIME]", (1, 2), SectionText.MIME, (), (5, 10), True),)),
    ),
    (
        b"FETCH 1 BODY.PEEK[header.fields (Date {4}\r\nFrom)]",
        c.Fetch(
            ONE,
            (
                Section(
                    b"BODY[HEADER.FIELDS (Date From)]",
                    (),
                    SectionText.HEADER_FIELDS,
                    (b"Date", b"From"),
                    is_peek=True,
                ),
            ),
        ),
    ),
    (b"STORE 1 FLAGS ()", c.Store(ONE, c.StoreMode.REPLACE, ())),
    (b"STORE 1 +flags.silent \\deleted", c.Store(ONE, c.StoreMode.ADD, ("\\Deleted",), True)),
    (b"UID STORE 1 -FLAGS (a b)", c.Store(ONE, c.StoreMode.REMOVE, ("a", "b"), False, True)),
    (b"COPY 1 Trash", c.Copy(ONE, "Trash")),
    (b"UID MOVE 1 Trash", c.Move(ONE, "Trash", by_uid=True)),
    (b"SEARCH ALL", c.Search(k.Everything())),
    (b"UID SEARCH CHARSET utf-8 SUBJECT {3}\r\n\xe2\x82\xac", c.Search(k.HeaderHolds("Subject", "€"), True)),
    (b"SEARCH NOT 1", c.Search(k.Not(k.SequenceNumbers(ONE)))),
    (
        b'SEARCH (OR SEEN UID 1) SINCE "1-Jan-2020" LARGER 5',
        c.Search(
            k.And(
                (
                    k.Or((k.HasFlag("\\Seen"), k.UidSet(ONE))),
                    k.InternalDateIs(k.Comparison.SINCE, date(2020, 1, 1)),
                    k.SizeIs(True, 5),
                )
            )
        ),
    ),
]


@pytest.mark.parametrize(("octets", "expected"), COMMANDS, ids=lambda value: repr(value)[:40])
def test_each_command_becomes_its_value(octets: bytes, expected: c.Command) -> None:
    assert command(octets) == expected


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"XYZZY",
        b"LOGIN a",
        b"NOOP x",
        b"UID NOOP",
        b"SELECT",
        b"SELECT &AGE-",  # an "a" that could stand for itself
        b"SELECT &2AA-",  # half a surrogate pair
        b'LOGIN a "b\x00"',
        b"LOGIN a {1}\r\n\x00",
        b"FETCH 0 FLAGS",
        b"FETCH 4294967296 FLAGS",
        b"FETCH 1 (ALL)",
        b"FETCH 1 ()",
        b"FETCH 1 BODY[MIME]",
        b"FETCH 1 BODY[1.]",
        b"FETCH 1 BODY[0]",
        b"FETCH 1 BODY[]<0.0>",
        b"FETCH 1 BODY[HEADER.FIELDS ()]",
        b"STORE 1 FLAGS \\Nonsense",
        b"STORE 1 FLAGSX a",
        b"STORE 1 +FLAGS " + b"k" * 101,
        b"STATUS INBOX ()",
        b"STATUS INBOX (SIZES)",
        b'LIST (RECURSIVEMATCH) "" *',
        b'APPEND INBOX "31-Feb-2020 00:00:00 +0000" {1}\r\nx',
        b'APPEND INBOX "01-Jan-0001 00:00:00 +2300" {1}\r\nx',
        b'APPEND INBOX "x"',
        b"APPEND INBOX UTF8 ({1}\r\nx)",  # not a literal8
        b"APPEND INBOX CATENATE ()",
        b"APPEND INBOX CATENATE (TEXT x)",
        b"APPEND INBOX CATENATE (URL)",
        b"APPEND INBOX {1}\r\nx {1",
        b"APPEND INBOX {1}\r\nx FLAGS",
        b"REPLACE 1:2 INBOX {1}\r\nx",
        b"REPLACE 0 INBOX {1}\r\nx",
        b"REPLACE 1 INBOX {1}\r\nx {1}\r\ny",
        b"SEARCH",
        b"SEARCH ()",
        b"SEARCH FROM",
        b"SEARCH " + b"NOT " * 200 + b"SEEN",
        b"SEARCH " + b"(" * 5000,
        b"SEARCH SUBJECT {1}\r\n\xff",
    ],
)
def test_what_breaks_the_grammar_is_a_syntax_error(octets: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        command(octets)


def test_a_charset_that_we_do_not_read_is_its_own_refusal() -> None:
    with pytest.raises(UnknownCharset):
        command(b"SEARCH CHARSET KOI8-R ALL")


def test_a_password_never_shows_in_a_repr() -> None:
    assert "secret" not in repr(command(b"LOGIN alice secret"))


def test_the_tag_of_a_broken_command_is_found() -> None:
    assert parse_tag(CommandText(b"a1 XYZZY")) == "a1"
    assert parse_tag(CommandText(b"+ x")) == "*"
    assert parse_tag(CommandText(b"")) == "*"


SEARCHING = [
    b'SEARCH RETURN (MIN MAX COUNT SAVE PARTIAL -1:-5) CHARSET UTF-8 $ OLDER 5 MODSEQ "/flags/\\\\seen" all 3',
    b"UID SORT RETURN (ALL) (REVERSE DATE DISPLAYFROM) UTF-8 EMAILID E1 SAVEDON 1-Jan-2020",
    b"THREAD REFERENCES UTF-8 THREADID T1",
    b'ESEARCH IN (subtree (a "b") personal mailboxes INBOX) RETURN (COUNT) NOT SAVEDATESUPPORTED',
    b'CANCELUPDATE "a1" "b2"',
    b"UID FETCH $ UID (PARTIAL 1:5 CHANGEDSINCE 9 VANISHED)",
]


@pytest.mark.parametrize("octets", SEARCHING)
def test_searching_commands_are_read(octets: bytes) -> None:
    assert type(command(octets)).__name__ in {
        "Search",
        "Sort",
        "Thread",
        "MultiSearch",
        "CancelUpdate",
        "Fetch",
    }


WORDS = st.sampled_from(
    [octets for octets, _ in COMMANDS]
    + SEARCHING
    + [
        b"RETURN (",
        b"PARTIAL",
        b"-1:-2",
        b"$",
        b"IN (",
        b"SORT",
        b"THREAD",
        b"ESEARCH",
        b"CANCELUPDATE",
        b"UTF-8",
    ]
    + [b"REVERSE", b"personal", b"subtree", b"MODSEQ", b"EMAILID", b"OLDER", b"SAVE", b"(PARTIAL 1:2)"]
    + [b" ", b"(", b")", b'"', b"\\", b"{", b"}", b"{3}\r\nabc", b"NIL", b"*", b"1:*", b"<0.1>", b"[", b"]"]
    + [b"UID", b"OR", b"NOT", b"CHARSET", b"RETURN", b"BODY[", b"&", b"&-", b"FLAGS", b"01-Jan-2020"]
)


def refuse_or_parse(text: CommandText) -> None:
    try:
        parse(text)
    except (ImapSyntaxError, UnknownCharset):
        pass
    parse_tag(text)


@given(st.binary(), st.lists(st.binary(), max_size=3))
def test_arbitrary_octets_raise_nothing_but_the_syntax_error(octets: bytes, literals: list[bytes]) -> None:
    refuse_or_parse(CommandText(octets, tuple(literals)))
    refuse_or_parse(CommandText(b"a " + octets, tuple(literals)))


@given(st.lists(WORDS | st.binary(max_size=4), max_size=12), st.lists(st.binary(max_size=9), max_size=3))
def test_near_commands_raise_nothing_but_the_syntax_error(words: list[bytes], literals: list[bytes]) -> None:
    refuse_or_parse(CommandText(b"a " + b"".join(words), tuple(literals)))
    refuse_or_parse(CommandText(b"a " + b" ".join(words), tuple(literals)))
