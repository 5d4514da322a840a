"""CREATE (RFC 3501 section 6.3.3; RFC 6154 section 3; RFC 8474 section 4.1)."""

from collections.abc import Callable
from typing import Any

import pytest

Talk = Callable[[str], dict[str, str]]


def test_a_mailbox_is_made_with_an_id(talk: Talk) -> None:
    talk("""
        C: a CREATE project/
        S: a OK [MAILBOXID ({id})] CREATE completed
        C: b STATUS project (MAILBOXID)
        S: * STATUS project (MAILBOXID ({id}))
        S: b OK …
        C: c CREATE project
        S: c NO [ALREADYEXISTS] …
    """)


def test_inbox_in_any_case_also_as_the_first_level(talk: Talk) -> None:
    talk("""
        C: a CREATE inbox
        S: a NO [ALREADYEXISTS] …
        C: b CREATE iNbOx/sub
        S: b OK …
        C: c LIST "" "inbox/*"
        S: * LIST (\\HasNoChildren) "/" INBOX/sub
        S: c OK …
        C: d STATUS Inbox/sub (MESSAGES)
        S: * STATUS INBOX/sub (MESSAGES 0)
        S: d OK …
        C: e CREATE INBOX/SUB
        S: e OK …
        C: f CREATE other/inbox
        S: f OK …
        C: g LIST "" "other/%"
        S: * LIST (\\HasNoChildren) "/" other/inbox
        S: g OK …
        C: h STATUS other/INBOX (MESSAGES)
        S: h NO [NONEXISTENT] …
    """)


def test_missing_superiors_are_made_too(talk: Talk) -> None:
    talk("""
        C: a CREATE one/two/three
        S: a OK …
        C: b LIST "" "one*"
        S: * LIST (\\HasChildren) "/" one
        S: * LIST (\\HasChildren) "/" one/two
        S: * LIST (\\HasNoChildren) "/" one/two/three
        S: b OK …
        C: c SELECT one/two
        S~ c OK …
    """)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "a//b",
            "/a",
            "a//",
            "/",
            '""',
            "a/",
            '"a%b"',
            "a*",
            "%",
            '"a\tb"',
            "&AAA-",
            "&AAEAAg-",
            "&AIA-",
            "&ICg-",
        ),
        "x" * 1001,
        "/".join(["x"] * 1000),
        '"' + "\u4e2d" * 667 + '"',  # 2,001 octets
        '"Other Users"',
        '"Other Users/x"',
    ],
)
def test_names_that_cannot_be(talk: Talk, name: str) -> None:
    if name == "a/":
        talk("C: s CREATE a\nS: s OK …\nC: t CREATE a/\nS: t NO [ALREADYEXISTS] …")
        return
    code = "NOPERM" if name == '"Other Users/x"' else "CANNOT"
    expected = code if name != '"Other Users"' else "{code}"
    talk(f"C: a CREATE {name}\nS: a NO [{expected}] …")


def test_a_long_name_that_no_index_can_compress(talk: Talk) -> None:
    from random import Random

    from mailhost.protocols.imap.utf7 import encode_name

    random = Random(0)
    name = encode_name("".join(chr(random.randint(0x4E00, 0x9FA5)) for _ in range(666))).decode()
    talk(f"""
        C: a CREATE {name}
        S: a OK …
        C: b STATUS {name} (MESSAGES)
        S: * STATUS {name} (MESSAGES 0)
        S: b OK …
    """)


def test_a_nul_breaks_the_grammar(talk: Talk) -> None:
    talk("""
        C: a CREATE {3}
        S: + …
        C| a\\0b\\r\\n
        S: a BAD …
    """)


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "~",
        "#news",
        "a.b",
        "..",
        "a\\b",
        "]",
        "(x)",
        "{5}",
        "nil",
        "+",
        "'",
        "R&D",
        "'); --",
        "\u00e9\u0301",
    ],
)
def test_every_legal_octet(talk: Talk, name: str) -> None:
    """As a literal in modified UTF-7, and back in what LIST tells."""
    from unicodedata import normalize

    from mailhost.protocols.imap.names import write_name
    from mailhost.protocols.imap.utf7 import encode_name

    octets = encode_name(name)
    wire = write_name(normalize("NFC", name), is_utf8=False).decode()
    talk(
        f"C: a CREATE {{{len(octets)}+}}\nC| {octets.decode()}\\r\\n\n".replace("a\\b", "a\\\\b")
        + 'S: a OK …\nC: b LIST (SUBSCRIBED) "" ""\nS: b OK …\nC: c LIST "" "*"\n'
        + f'S~ * LIST (\\HasNoChildren) "/" {wire}\nS~ c OK …'
    )


def test_names_are_told_in_one_normal_form(talk: Talk) -> None:
    """e with an accent, composed or not, is one name (RFC 9051 section 5.1)."""
    talk("""
        C: a CREATE &AGUDAQ-
        S: a BAD …
        C: b CREATE e&AwE-
        S: b OK …
        C: c CREATE &AOk-
        S: c NO [ALREADYEXISTS] …
        C: d LIST "" e&AwE-
        S: * LIST (\\HasNoChildren) "/" &AOk-
        S: d OK …
    """)


def test_special_use_is_given_once(talk: Talk) -> None:
    talk("""
        C: a DELETE Sent
        S: a OK …
        C: b CREATE Outgoing (USE (\\sent))
        S: b OK [MAILBOXID …] CREATE completed
        C: c LIST (SPECIAL-USE) "" "*" RETURN (SPECIAL-USE)
        S: * LIST (\\HasNoChildren \\Archive) "/" Archive
        S: * LIST (\\HasNoChildren \\Drafts) "/" Drafts
        S: * LIST (\\HasNoChildren \\Junk) "/" Junk
        S: * LIST (\\HasNoChildren \\Sent) "/" Outgoing
        S: * LIST (\\HasNoChildren \\Trash) "/" Trash
        S: c OK …
        C: d CREATE Second (USE (\\Sent))
        S: d NO [USEATTR] …
        C: e LIST "" Second
        S: e OK …
        C: f CREATE Everything (USE (\\All))
        S: f NO [USEATTR] …
        C: g CREATE Odd (USE (\\Odd))
        S: g NO [USEATTR] …
        C: h CREATE Two (USE (\\Drafts \\Trash))
        S: h NO [USEATTR] …
        C: i CREATE None (USE ())
        S: i OK …
        C: j RENAME Outgoing Gone-out
        S: j OK …
        C: k LIST (SPECIAL-USE) "" "G*"
        S: * LIST (\\HasNoChildren \\Sent) "/" Gone-out
        S: k OK …
    """)


@pytest.mark.parametrize(
    "arguments",
    ["", "a (USE)", "a ()", "a (USE (Sent))", "a (COLOUR (red))", "a USE", "a b", "a (USE (\\Sent)", "&"],
)
def test_arguments_that_are_not_understood(talk: Talk, arguments: str) -> None:
    talk(f"C: a CREATE {arguments}\nS: a BAD …")


def test_so_many_mailboxes_and_no_more(talk: Talk, settings: Any) -> None:
    settings.MAX_MAILBOXES = 8
    talk("""
        C: a CREATE one
        S: a OK …
        C: b CREATE two/three
        S: b NO [LIMIT] …
        C: c LIST "" "t*"
        S: c OK …
        C: d CREATE two
        S: d OK …
        C: e CREATE three
        S: e NO [LIMIT] …
        C: f RENAME one three/four
        S: f NO [LIMIT] …
        C: g LIST "" one
        S: * LIST (\\HasNoChildren) "/" one
        S: g OK …
    """)


def test_names_as_long_as_the_setting_says(talk: Talk, settings: Any) -> None:
    settings.MAX_MAILBOX_NAME = 10
    talk("""
        C: a CREATE 12345/789
        S: a OK …
        C: b LIST "" "1*"
        S: * LIST (\\HasChildren) "/" 12345
        S: * LIST (\\Noinferiors \\HasNoChildren) "/" 12345/789
        S: b OK …
        C: c CREATE 12345/78901
        S: c NO [CANNOT] …
        C: d RENAME 12345 1234567
        S: d NO [CANNOT] …
        C: e LIST "" "1%"
        S: * LIST (\\HasChildren) "/" 12345
        S: e OK …
    """)


def test_a_deep_hierarchy_is_made_told_and_renamed(talk: Talk) -> None:
    """As deep as names can be."""
    deepest = "/".join(["d"] * 500)
    talk(f"""
        C: a CREATE {deepest}
        S: a OK …
        C: b LIST "" "d/%"
        S: * LIST (\\HasChildren) "/" d/d
        S: b OK …
        C: c LIST "" "{"d/" * 400}*%*/%"
        S~ * LIST (\\Noinferiors \\HasNoChildren) "/" {deepest}
        S: c OK …
        C: d RENAME d e
        S: d OK …
        C: e STATUS e{deepest[1:]} (MESSAGES)
        S: * STATUS e{deepest[1:]} (MESSAGES 0)
        S: e OK …
    """)
