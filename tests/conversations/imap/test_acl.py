"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 section 3), by two and three people."""

from collections.abc import Callable

import pytest

Meet = Callable[[str], dict[str, str]]


def test_the_owner_has_all_rights_for_good(meet: Meet) -> None:
    meet("""
        1C: a MYRIGHTS inbox
        1S: * MYRIGHTS INBOX lrswipkxtecda
        1S: a OK MYRIGHTS completed
        1C: b GETACL INBOX
        1S: * ACL INBOX {alice} lrswipkxtecda
        1S: b OK GETACL completed
        1C: c SETACL INBOX {alice} lr
        1S: c NO [CANNOT] The owner of a mailbox always has all rights.
        1C: d DELETEACL INBOX {alice}
        1S: d NO [CANNOT] …
        1C: e SETACL INBOX {alice} lrswipkxtea
        1S: e OK SETACL completed
        1C: f LISTRIGHTS INBOX {alice}
        1S: * LISTRIGHTS INBOX {alice} lrswipkxtecda
        1S: f OK LISTRIGHTS completed
        1C: g MYRIGHTS nothing
        1S: g NO [NONEXISTENT] …
    """)


def test_rights_are_set_added_and_removed(meet: Meet) -> None:
    meet("""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL Team {bob} lr
        1S: b OK SETACL completed
        1C: c SETACL Team {bob} +wp
        1S: c OK SETACL completed
        1C: d SETACL Team {carol} lrsi
        1S: d OK SETACL completed
        1C: e SETACL Team anyone l
        1S: e OK SETACL completed
        1C: f GETACL Team
        1S: * ACL Team {alice} lrswipkxtecda {bob} lrwp {carol} lrsi anyone l
        1S: f OK GETACL completed
        1C: g SETACL Team {bob} -rp
        1S: g OK SETACL completed
        1C: h DELETEACL Team {carol}
        1S: h OK DELETEACL completed
        1C: i SETACL Team Anyone ""
        1S: i OK SETACL completed
        1C: j GETACL Team
        1S: * ACL Team {alice} lrswipkxtecda {bob} lw
        1S: j OK GETACL completed
        1C: k DELETEACL Team {carol}
        1S: k OK DELETEACL completed
        1C: l DELETEACL Team nobody@nowhere.test
        1S: l OK DELETEACL completed
        2C: m MYRIGHTS "Other Users/{alice}/Team"
        2S: * MYRIGHTS "Other Users/{alice}/Team" lw
        2S: m OK MYRIGHTS completed
    """)


def test_obsolete_rights_stand_for_others(meet: Meet) -> None:
    """Section 2.1.1: c is k and x, d is t and e; each is told beside any of its members."""
    meet("""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL Team {bob} lrd
        1S: b OK …
        1C: c SETACL Team {carol} lc
        1S: c OK …
        1C: d SETACL Team anyone lk
        1S: d OK …
        1C: e GETACL Team
        1S: * ACL Team {alice} lrswipkxtecda {bob} lrted {carol} lkxc anyone lkc
        1S: e OK …
        1C: f SETACL Team {bob} -d
        1S: f OK …
        1C: g SETACL Team {carol} -k
        1S: g OK …
        1C: h GETACL Team
        1S: * ACL Team {alice} lrswipkxtecda {bob} lr {carol} lxc anyone lkc
        1S: h OK …
    """)


def test_what_can_be_granted(meet: Meet) -> None:
    """Section 3.4: the identifier comes back as it was written."""
    meet("""
        1C: a LISTRIGHTS INBOX {bob}
        1S: * LISTRIGHTS INBOX {bob} "" l r s w i p k x t e c d a
        1S: a OK LISTRIGHTS completed
        1C: b LISTRIGHTS INBOX ANYONE
        1S: * LISTRIGHTS INBOX ANYONE "" l r s w i p k x t e c d a
        1S: b OK LISTRIGHTS completed
        1C: c LISTRIGHTS INBOX -{bob}
        1S: * LISTRIGHTS INBOX -{bob} ""
        1S: c OK LISTRIGHTS completed
        1C: d LISTRIGHTS INBOX nobody@nowhere.test
        1S: d NO [NONEXISTENT] …
    """)


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ("Team {bob} lrQ", "BAD …uppercase rights are not allowed"),
        ("Team {bob} lrq", "BAD …the q right is not supported"),
        ("Team {bob} lr0", "BAD …the 0 right is not supported"),
        ("Team {bob} l+r", "BAD …the + right is not supported"),
        ("Team {bob}", "BAD …"),
        ('Team "" lr', "BAD …identifier…"),
        ("Team {bob} lr x", "BAD …"),
        ("Team -{bob} lr", 'NO [CANNOT] "Negative right" identifiers are not supported.'),
        ("Team nobody@nowhere.test lr", "NO [NONEXISTENT] …"),
        ("Nothing {bob} lr", "NO [NONEXISTENT] …"),
    ],
)
def test_what_setacl_refuses(meet: Meet, arguments: str, answer: str) -> None:
    meet(f"""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL {arguments}
        1S: b {answer}
        1C: c GETACL Team
        1S: * ACL Team {{alice}} lrswipkxtecda
        1S: c OK …
    """)


def test_an_identifier_in_any_spelling_is_one_login(meet: Meet) -> None:
    """Section 3 wants SASLprep; logins compare without case."""
    words = meet("""
        1C: a SETACL INBOX {bob} lr
        1S: a OK …
    """)
    loud = words["bob"].upper()
    meet(f"""
        1C: b SETACL INBOX "{loud}" +s
        1S: b OK …
        1C: c GETACL INBOX
        1S: * ACL INBOX {{alice}} lrswipkxtecda {{bob}} lrs
        1S: c OK …
    """)


def test_who_administers_for_the_owner(meet: Meet) -> None:
    meet("""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL Team {bob} la
        1S: b OK …
        2C: c SETACL "Other Users/{alice}/Team" {carol} lr
        2S: c OK SETACL completed
        2C: d GETACL "Other Users/{alice}/Team"
        2S: * ACL "Other Users/{alice}/Team" {alice} lrswipkxtecda {bob} la {carol} lr
        2S: d OK …
        2C: e LISTRIGHTS "Other Users/{alice}/Team" {alice}
        2S: * LISTRIGHTS "Other Users/{alice}/Team" {alice} lrswipkxtecda
        2S: e OK …
        2C: f SETACL "Other Users/{alice}/Team" {alice} l
        2S: f NO [CANNOT] …
        3C: g GETACL "Other Users/{alice}/Team"
        3S: g NO [NOPERM] You do not have the right to do this.
        2C: h SETACL "Other Users/{alice}/Team" {bob} -a
        2S: h OK …
        2C: i SETACL "Other Users/{alice}/Team" {bob} +a
        2S: i NO [NOPERM] …
    """)


def test_deleting_a_mailbox_deletes_its_acl(meet: Meet) -> None:
    meet("""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL Team {bob} lr
        1S: b OK …
        1C: c DELETE Team
        1S: c OK …
        1C: d CREATE Team
        1S: d OK …
        1C: e GETACL Team
        1S: * ACL Team {alice} lrswipkxtecda
        1S: e OK …
        2C: f SELECT "Other Users/{alice}/Team"
        2S: f NO [NONEXISTENT] …
    """)


def test_a_new_mailbox_inherits_and_a_renamed_one_keeps(meet: Meet) -> None:
    """Section 4, CREATE and RENAME."""
    meet("""
        1C: a CREATE Team
        1S: a OK …
        1C: b SETACL Team {bob} lrk
        1S: b OK …
        1C: c CREATE Team/2026/May
        1S: c OK …
        1C: d GETACL Team/2026/May
        1S: * ACL Team/2026/May {alice} lrswipkxtecda {bob} lrkc
        1S: d OK …
        1C: e SETACL Team {bob} ""
        1S: e OK …
        1C: f RENAME Team/2026 Old
        1S: f OK …
        1C: g GETACL Old/May
        1S: * ACL Old/May {alice} lrswipkxtecda {bob} lrkc
        1S: g OK …
        2C: h LIST "" "Other*"
        2S: * LIST (\\Noselect \\HasChildren) "/" "Other Users"
        2S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/{alice}"
        2S: * LIST (\\HasChildren) "/" "Other Users/{alice}/Old"
        2S: * LIST (\\HasNoChildren) "/" "Other Users/{alice}/Old/May"
        2S: h OK …
    """)


def test_a_mailbox_that_may_not_be_looked_up_is_as_one_that_is_not_there(meet: Meet) -> None:
    """Section 6: the same words for what is hidden, what does not exist, and who does not exist."""
    meet("""
        1C: a CREATE Secret
        1S: a OK …
        1C: b SETACL Secret {carol} lr
        1S: b OK …
    """)
    for number, name in enumerate(("{alice}/Secret", "{alice}/Nothing", "nobody@nowhere.test/Secret")):
        name = f"Other Users/{name}"
        meet(f"""
            2C: {number}a SELECT "{name}"
            2S: {number}a NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}b STATUS "{name}" (MESSAGES)
            2S: {number}b NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}c GETACL "{name}"
            2S: {number}c NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}d SETACL "{name}" {{bob}} lr
            2S: {number}d NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}e MYRIGHTS "{name}"
            2S: {number}e NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}f LISTRIGHTS "{name}" {{bob}}
            2S: {number}f NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}g DELETE "{name}"
            2S: {number}g NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}h RENAME "{name}" "{name}2"
            2S: {number}h NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}i SUBSCRIBE "{name}"
            2S: {number}i NO [NONEXISTENT] There is no mailbox {name}.
            2C: {number}j UNSUBSCRIBE "{name}"
            2S: {number}j OK UNSUBSCRIBE completed
            2C: {number}k APPEND "{name}" {{2+}}
            2C: hi
            2S: {number}k NO [TRYCREATE] There is no mailbox {name}.
            2C: {number}l CREATE "{name}"
            2S: {number}l NO [NOPERM] You do not have the right to do this.
            2C: {number}m CREATE "{name}/Below"
            2S: {number}m NO [NOPERM] You do not have the right to do this.
        """)


def test_acl_can_be_switched_off(meet: Meet) -> None:
    from mailboxes.models import Account

    words = meet("""
        2C: a CAPABILITY
        2S: * CAPABILITY …ACL RIGHTS=texk LIST-MYRIGHTS…
        2S: a OK …
    """)
    Account.objects.filter(login=words["alice"]).update(imap_switched_off=["ACL"])
    meet("""
        1C: a MYRIGHTS INBOX
        1S: a BAD …unknown command MYRIGHTS
        1C: b CAPABILITY
        1S: * CAPABILITY {first}…
        1S: b OK …
    """)
