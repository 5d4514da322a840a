"""NOTIFY on the wire (RFC 5465 section 8, with its errata: events stand in parentheses)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.imap.errors import ImapSyntaxError
from mailhost.protocols.imap.fetch_items import Attribute, Section, SectionText
from mailhost.protocols.imap.framing import CommandText
from mailhost.protocols.imap.mailbox_filters import FilterKind, MailboxFilter
from mailhost.protocols.imap.notify import MESSAGE_EVENTS, Event, EventGroup, Notify
from mailhost.protocols.imap.parser import parse

COMING = frozenset({Event.MESSAGE_NEW, Event.MESSAGE_EXPUNGE})
SELECTED = MailboxFilter(FilterKind.SELECTED)
PERSONAL = MailboxFilter(FilterKind.PERSONAL)


def notify(text: bytes) -> Notify:
    command = parse(CommandText(b"a NOTIFY " + text, ())).command
    assert isinstance(command, Notify)
    return command


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (b"NONE", Notify()),
        (b"SET (selected NONE)", Notify((EventGroup(SELECTED),))),
        (
            b"set status (selected (MessageNew (uid body.peek[header.fields (from to)]) MessageExpunge))"
            b" (subtree Lists (messageexpunge messagenew))",
            Notify(
                (
                    EventGroup(
                        SELECTED,
                        COMING,
                        (
                            Attribute.UID,
                            Section(
                                b"BODY[HEADER.FIELDS (from to)]",
                                text=SectionText.HEADER_FIELDS,
                                fields=(b"from", b"to"),
                                is_peek=True,
                            ),
                        ),
                    ),
                    EventGroup(MailboxFilter(FilterKind.SUBTREE, ("Lists",)), COMING),
                ),
                with_status=True,
            ),
        ),
        (
            b'SET (mailboxes (INBOX "A b") (FlagChange MessageNew MessageExpunge)) (personal (SubscriptionChange))',
            Notify(
                (
                    EventGroup(MailboxFilter(FilterKind.MAILBOXES, ("INBOX", "A b")), MESSAGE_EVENTS),
                    EventGroup(PERSONAL, frozenset({Event.SUBSCRIPTION_CHANGE})),
                )
            ),
        ),
        (
            b"SET (inboxes (ServerMetadataChange MailboxMetadataChange MailboxName))",
            Notify(
                (
                    EventGroup(
                        MailboxFilter(FilterKind.INBOXES),
                        frozenset(
                            {
                                Event.SERVER_METADATA_CHANGE,
                                Event.MAILBOX_METADATA_CHANGE,
                                Event.MAILBOX_NAME,
                            }
                        ),
                    ),
                )
            ),
        ),
        (
            b"SET (personal (AnnotationChange))",
            Notify((EventGroup(PERSONAL, has_unsupported=True),)),
        ),
        (
            b"SET (selected-delayed (MessageNew MessageExpunge X-Weather))",
            Notify((EventGroup(MailboxFilter(FilterKind.SELECTED_DELAYED), COMING, has_unsupported=True),)),
        ),
    ],
)
def test_what_is_meant(text: bytes, command: Notify) -> None:
    assert notify(text) == command
    assert command.has_unsupported == any(group.has_unsupported for group in command.groups)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"SET",
        b"GET",
        b"NONE NONE",
        b"SET STATUS",
        b"SET SIZE (selected NONE)",
        b"SET (selected)",
        b"SET (selected ())",
        b"SET (selected MessageNew)",
        b"SET (selected (MessageNew))",
        b"SET (selected (MessageExpunge))",
        b"SET (selected (FlagChange))",
        b"SET (personal (MessageNew FlagChange))",
        b"SET (selected (MessageNew () MessageExpunge))",
        b"SET (selected (MessageNew (WEATHER) MessageExpunge))",
        b"SET (selected (MessageNew MessageExpunge (UID)))",
        b"SET (personal (MessageNew (UID) MessageExpunge))",
        b"SET (selected (MailboxName))",
        b"SET (selected-delayed (MessageNew MessageExpunge SubscriptionChange))",
        b"SET (selected NONE) (selected-delayed NONE)",
        b"SET (selected NONE) (selected NONE)",
        b"SET (subtree-one a (MailboxName))",
        b"SET (subtree (MailboxName))",
        b"SET (everything (MailboxName))",
        b"SET (mailboxes () (MailboxName))",
        b"SET (personal (MailboxName)) and more",
        b"SET (personal (MailboxName))(inboxes (MailboxName))",
        b"SET" + b" (personal NONE)" * 200,
        b"SET (personal (" + b"MailboxName " * 200 + b"MailboxName))",
    ],
)
def test_what_is_refused(text: bytes) -> None:
    with pytest.raises(ImapSyntaxError):
        notify(text)


names = st.sampled_from(["INBOX", "a", "a/b", "A b"])
filters = st.one_of(
    st.sampled_from([MailboxFilter(kind) for kind in FilterKind if kind.value in {"INBOXES", "PERSONAL"}]),
    st.builds(
        MailboxFilter,
        st.sampled_from([FilterKind.SUBTREE, FilterKind.MAILBOXES]),
        st.lists(names, min_size=1, max_size=3).map(tuple),
    ),
)
mailbox_events = st.frozensets(st.sampled_from(sorted(set(Event) - MESSAGE_EVENTS, key=lambda e: e.value)))
message_events = st.sampled_from([frozenset[Event](), COMING, MESSAGE_EVENTS])
items = st.lists(st.sampled_from([Attribute.UID, Attribute.FLAGS]), unique=True).map(tuple)
others = st.builds(
    EventGroup, filters, st.builds(lambda one, other: one | other, mailbox_events, message_events)
)
selected = st.builds(
    EventGroup,
    st.sampled_from([SELECTED, MailboxFilter(FilterKind.SELECTED_DELAYED)]),
    st.sampled_from([COMING, MESSAGE_EVENTS]),
    items,
)
commands = st.builds(
    lambda first, rest, with_status: Notify((*first, *rest), with_status),
    st.lists(selected, max_size=1),
    st.lists(others, min_size=1, max_size=4),
    st.booleans(),
)


def written(group: EventGroup) -> str:
    meant = group.mailboxes.kind.value
    if group.mailboxes.names:
        meant += " (" + " ".join(f'"{name}"' for name in group.mailboxes.names) + ")"
    told = [event.value for event in group.events]
    if group.items:
        attributes = " ".join(
            item.value.decode("ascii") for item in group.items if isinstance(item, Attribute)
        )
        told = [f"{word} ({attributes})" if word == "MessageNew" else word for word in told]
    return f"({meant} {'(' + ' '.join(told) + ')' if told else 'NONE'})"


@given(commands, st.booleans())
def test_what_is_written_is_read(command: Notify, is_lower: bool) -> None:
    text = "SET " + "STATUS " * command.with_status + " ".join(written(group) for group in command.groups)
    if is_lower:
        text = text.replace("Message", "messagE").replace("SET", "set")
    assert notify(text.encode("ascii")) == command


words = st.sampled_from(
    [
        b"SET",
        b"STATUS",
        b"NONE",
        b"(",
        b")",
        b" ",
        b"selected",
        b"personal",
        b"mailboxes",
        b"INBOX",
        b"MessageNew",
        b"MessageExpunge",
        b"FlagChange",
        b"(UID",
        b"BODY[",
        b"{1}\r\n",
    ]
)


@given(st.lists(words | st.binary(max_size=3), max_size=20))
def test_anything_is_read_or_refused(pieces: list[bytes]) -> None:
    for glue in (b"", b" "):
        try:
            command = parse(CommandText(b"a NOTIFY " + glue.join(pieces), (b"x",))).command
        except ImapSyntaxError:
            continue
        assert isinstance(command, Notify)
