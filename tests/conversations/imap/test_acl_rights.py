"""Each right alone permits what the table of RFC 4314 section 4 says, and nothing else."""

from collections.abc import Callable
from itertools import count

import pytest

Meet = Callable[[str], dict[str, str]]

RIGHTS = "lrswipkxtea"
TEAM = '"Other Users/{alice}/Team"'
# What bob does in alice's mailbox, and the rights of which any one is enough.
IN_AUTHENTICATED_STATE = {
    f"SUBSCRIBE {TEAM}": "l",
    f"UNSUBSCRIBE {TEAM}": RIGHTS,
    'CREATE "Other Users/{alice}/Team/New"': "k",
    f"STATUS {TEAM} (MESSAGES)": "r",
    f"EXAMINE {TEAM}": "r",
    f"SELECT {TEAM}": "r",
    f"SETACL {TEAM} {{carol}} l": "a",
    f"DELETEACL {TEAM} {{carol}}": "a",
    f"GETACL {TEAM}": "a",
    f"LISTRIGHTS {TEAM} {{carol}}": "a",
    f"MYRIGHTS {TEAM}": "lrikxa",
    f"APPEND {TEAM} {{2+}}\n2C: hi": "i",
    f"DELETE {TEAM}": "x",
}
# With the right to read it as well, which SELECT needs; the table again.
IN_SELECTED_STATE = {
    "STORE 1 +FLAGS (\\Seen)": "s",
    "STORE 1 -FLAGS (\\Seen)": "s",
    "STORE 1 +FLAGS (\\Deleted)": "t",
    "STORE 1 +FLAGS (\\Flagged)": "w",
    "STORE 1 +FLAGS ($Work)": "w",
    "STORE 1 FLAGS ()": "swt",
    "UID STORE 1:* +FLAGS.SILENT (\\Answered \\Seen)": "sw",  # one of them is enough
    "FETCH 1 (BODY[])": RIGHTS,
    "SEARCH ALL": RIGHTS,
    "COPY 1 INBOX": RIGHTS,
    "EXPUNGE": "e",
    "UID EXPUNGE 1:*": "e",
    "MOVE 1 INBOX": "",  # needs two: below
}
_numbers = count(1)


def outcome(meet: Meet, command: str) -> str:
    """What bob is answered: OK, NO or BAD."""
    name = f"status_{next(_numbers)}"
    return meet(f"2C: {name} {command}\n2S~ {name} {{{name}}} …")[name]


def share(meet: Meet, rights: str, *, name: str = "Team") -> None:
    """Alice makes the mailbox with one message that is \\Seen, and lets bob do this."""
    meet(f"""
        1C: a CREATE {name}
        1S: a OK …
        1C: b APPEND {name} (\\Seen) {{16+}}
        1C: Subject: Hi
        1C:
        1C:
        1S: b OK …
        1C: c SETACL {name} {{bob}} {rights}
        1S: c OK …
    """)


@pytest.mark.parametrize("right", RIGHTS)
def test_commands_in_authenticated_state(meet: Meet, right: str) -> None:
    share(meet, right)
    for command, enough in IN_AUTHENTICATED_STATE.items():
        assert outcome(meet, command) == ("OK" if right in enough else "NO"), command


@pytest.mark.parametrize("right", RIGHTS)
def test_list_and_lsub(meet: Meet, right: str) -> None:
    """Neither says NO, and both tell the mailbox to whoever may look it up."""
    share(meet, "l")
    meet(f"""
        2C: a SUBSCRIBE {TEAM}
        2S: a OK …
        1C: b SETACL Team {{bob}} {right}
        1S: b OK …
    """)
    listed = '2S: * LIST (\\Noselect \\HasNoChildren) "/" "Other Users/{alice}/Team"' if right == "l" else ""
    subscribed = '2S: * LSUB () "/" "Other Users/{alice}/Team"' if right == "l" else ""
    meet(f"""
        2C: c LIST "" "Other Users/{{alice}}/*"
        {listed}
        2S: c OK …
        2C: d LSUB "" "Other Users/{{alice}}/*"
        {subscribed}
        2S: d OK …
    """)


@pytest.mark.parametrize("right", RIGHTS)
def test_commands_in_selected_state(meet: Meet, right: str) -> None:
    share(meet, f"r{right}")
    is_read_write = right in "swtie"
    state = "READ-WRITE" if is_read_write else "READ-ONLY"
    meet(f"""
        2C: s SELECT {TEAM}
        2S~ s OK [{state}] …
    """)
    for command, enough in IN_SELECTED_STATE.items():
        assert outcome(meet, command) == ("OK" if right in enough else "NO"), command


@pytest.mark.parametrize("right", RIGHTS)
def test_rename_needs_a_right_here_and_a_right_there(meet: Meet, right: str) -> None:
    share(meet, "k")
    share(meet, right, name="Team/Old")
    rename = 'RENAME "Other Users/{alice}/Team/Old" "Other Users/{alice}/Team/New"'
    assert outcome(meet, rename) == ("OK" if right == "x" else "NO")
    share(meet, "x", name="Team/Older")
    meet(f"1C: d SETACL Team {{bob}} {right}\n1S: d OK …")
    rename = 'RENAME "Other Users/{alice}/Team/Older" "Other Users/{alice}/Team/Newer"'
    assert outcome(meet, rename) == ("OK" if right == "k" else "NO")


@pytest.mark.parametrize("right", RIGHTS)
def test_copy_and_move_into_it(meet: Meet, right: str) -> None:
    share(meet, right)
    meet("""
        2C: a APPEND INBOX {2+}
        2C: hi
        2S: a OK …
        2C: b SELECT INBOX
        2S~ b OK …
    """)
    assert outcome(meet, f"UID COPY 1 {TEAM}") == ("OK" if right == "i" else "NO")
    assert outcome(meet, f"UID MOVE 1 {TEAM}") == ("OK" if right == "i" else "NO")


@pytest.mark.parametrize("rights", ["rt", "re", "rte", "rxsw"])
def test_move_out_of_it_needs_those_of_store_and_expunge(meet: Meet, rights: str) -> None:
    """RFC 6851 section 4.2."""
    share(meet, rights)
    meet(f"""
        2C: a SELECT {TEAM}
        2S~ a OK …
    """)
    assert outcome(meet, "MOVE 1 INBOX") == ("OK" if rights == "rte" else "NO")


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        ("lr", ""),
        ("lrs", "\\Seen"),
        ("lrt", "\\Deleted"),
        ("lrw", "\\Answered \\Flagged \\Draft \\*"),
        ("lrswt", "\\Seen \\Answered \\Flagged \\Deleted \\Draft \\*"),
        ("lri", ""),
    ],
)
def test_select_tells_which_flags_can_be_changed(meet: Meet, rights: str, told: str) -> None:
    """Section 5.1.1."""
    share(meet, rights)
    meet(f"""
        2C: a SELECT {TEAM}
        2S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)
        2S: * OK [PERMANENTFLAGS ({told})] Flags permitted.
        2S~ a OK …
        2C: b EXAMINE {TEAM}
        2S: * OK [CLOSED] …
        2S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)
        2S: * OK [PERMANENTFLAGS ()] Flags permitted.
        2S~ b OK [READ-ONLY] …
    """)


def test_store_changes_what_it_may(meet: Meet) -> None:
    """Section 4, Changing flags: no NO as long as one of them may be changed."""
    share(meet, "lrws")
    meet(f"""
        2C: a SELECT {TEAM}
        2S~ a OK …
        2C: b STORE 1 +FLAGS (\\Deleted \\Flagged $Work)
        2S: * 1 FETCH (FLAGS (\\Seen \\Flagged \\Recent $Work))
        2S: b OK STORE completed
        1C: c SETACL Team {{bob}} lrt
        1S: c OK …
        2C: d NOOP
        2S~ d OK …
        2C: e STORE 1 FLAGS (\\Deleted)
        2S: * 1 FETCH (FLAGS (\\Seen \\Flagged \\Deleted \\Recent $Work))
        2S: e OK STORE completed
        2C: f STORE 1 FLAGS ()
        2S: * 1 FETCH (FLAGS (\\Seen \\Flagged \\Recent $Work))
        2S: f OK STORE completed
    """)


@pytest.mark.parametrize(("right", "is_seen"), [("s", True), ("w", False)])
def test_reading_marks_only_with_the_right_to(meet: Meet, right: str, is_seen: bool) -> None:
    share(meet, f"lr{right}")
    flags = " FLAGS (\\Seen)" if is_seen else ""
    meet(f"""
        1C: a SELECT Team
        1S~ a OK …
        1C: b STORE 1 -FLAGS.SILENT \\Seen
        1S: b OK …
        2C: c SELECT {TEAM}
        2S~ c OK …
        2C: d FETCH 1 (BODY[]<0.2>)
        2S: * 1 FETCH (BODY[]<0> {{2}}
        2S: Su{flags})
        2S: d OK …
    """)


@pytest.mark.parametrize(("rights", "left"), [("lrt", 1), ("lrte", 0)])
def test_close_expunges_only_with_the_right_to(meet: Meet, rights: str, left: int) -> None:
    share(meet, rights)
    meet(f"""
        2C: a SELECT {TEAM}
        2S~ a OK …
        2C: b STORE 1 +FLAGS.SILENT (\\Deleted)
        2S: b OK …
        2C: c CLOSE
        2S: c OK CLOSE completed
        1C: d STATUS Team (MESSAGES)
        1S: * STATUS Team (MESSAGES {left})
        1S: d OK …
    """)


@pytest.mark.parametrize(
    ("rights", "kept"),
    [
        ("lrwis", "\\Seen \\Flagged $Work"),
        ("lrsti", "\\Seen \\Deleted"),
        ("lri", ""),
        ("lriw", "\\Flagged $Work"),
    ],
)
def test_flags_that_one_may_not_set_stay_behind(meet: Meet, rights: str, kept: str) -> None:
    """Section 4, Copying or appending messages; neither fails for it."""
    share(meet, rights)
    meet(f"""
        2C: a APPEND {TEAM} (\\Seen \\Deleted \\Flagged $Work) {{2+}}
        2C: hi
        2S: a OK …
        2C: b APPEND INBOX (\\Seen \\Deleted \\Flagged $Work) {{2+}}
        2C: ho
        2S: b OK …
        2C: c SELECT INBOX
        2S~ c OK …
        2C: d COPY 1 {TEAM}
        2S: d OK …
        2C: e MOVE 1 {TEAM}
        2S~ e OK …
        1C: f SELECT Team
        1S~ f OK …
        1C: g FETCH 2:4 (UID)
        1S: * 2 FETCH (UID 2)
        1S: * 3 FETCH (UID 3)
        1S: * 4 FETCH (UID 4)
        1S: g OK …
        1C: h CLOSE
        1S: h OK …
    """)
    from mailboxes.imap.flags import flag_words
    from mailboxes.models import Mailbox, Message

    login = meet("")["alice"]
    mailbox = Mailbox.objects.get(account__login=login, name="Team", deleted_at=None)
    rows = Message.objects.filter(mailbox=mailbox, uid__gt=1)
    for row in rows:
        words = " ".join([*flag_words(row.flags).decode().split(), *row.keywords])
        assert words == kept
    messages = Message.objects.filter(mailbox=mailbox)
    assert mailbox.unseen_count == sum(not row.flags & 1 for row in messages)
    assert mailbox.deleted_count == sum(bool(row.flags & 8) for row in messages)
