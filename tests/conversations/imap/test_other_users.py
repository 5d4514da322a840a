"""Mailboxes of others under `Other Users/` (RFC 2342, RFC 4314, RFC 8440): names, lists, subscriptions, and who is
told what when."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

Meet = Callable[[str], dict[str, str]]

SHARE = """
    1C: a CREATE Team/Post
    1S: a OK …
    1C: b SETACL Team/Post {bob} lrs
    1S: b OK …
"""


def test_levels_above_are_told_and_cannot_be_selected(meet: Meet) -> None:
    """Section 4, LIST: Team itself is as one that does not exist."""
    meet(SHARE)
    meet("""
        2C: a NAMESPACE
        2S: * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
        2S: a OK NAMESPACE completed
        2C: b LIST "" "Other Users/%"
        2S: * LIST (\\Noselect \\HasChildren) "/" "Other Users/{alice}"
        2S: b OK LIST completed
        2C: c LIST "Other Users/{alice}/" "*" RETURN (CHILDREN)
        2S: * LIST (\\HasNoChildren) "/" "Other Users/{alice}/Team/Post"
        2S: c OK LIST completed
        2C: d LIST "Other Users/{alice}/" "%" RETURN (CHILDREN)
        2S: * LIST (\\NonExistent \\HasChildren) "/" "Other Users/{alice}/Team"
        2S: d OK LIST completed
        2C: e SELECT "Other Users/{alice}/Team"
        2S: e NO [NONEXISTENT] …
        2C: f SELECT "Other Users/{alice}"
        2S: f NO [NONEXISTENT] …
        2C: g SELECT "Other Users"
        2S: g NO [NONEXISTENT] …
        3C: h LIST "" "Other*"
        3S: h OK LIST completed
    """)


def test_list_tells_rights_and_status_with_it(meet: Meet) -> None:
    """RFC 8440; RFC 5819 section 2: no STATUS of what may not be read, and no MYRIGHTS of what is not there."""
    meet(SHARE)
    meet("""
        1C: a CREATE Drop
        1S: a OK …
        1C: b SETACL Drop {bob} li
        1S: b OK …
        2C: c LIST "" ("INBOX" "Other Users/{alice}/*") RETURN (MYRIGHTS STATUS (MESSAGES))
        2S: * LIST (\\HasNoChildren) "/" INBOX
        2S: * MYRIGHTS INBOX lrswipkxtecda
        2S: * STATUS INBOX (MESSAGES 0)
        2S: * LIST (\\Noselect \\HasNoChildren) "/" "Other Users/{alice}/Drop"
        2S: * MYRIGHTS "Other Users/{alice}/Drop" li
        2S: * LIST (\\HasNoChildren) "/" "Other Users/{alice}/Team/Post"
        2S: * MYRIGHTS "Other Users/{alice}/Team/Post" lrs
        2S: * STATUS "Other Users/{alice}/Team/Post" (MESSAGES 0)
        2S: c OK LIST completed
        2C: d LIST "" "Other Users/{alice}/%" RETURN (MYRIGHTS)
        2S: * LIST (\\Noselect \\HasNoChildren) "/" "Other Users/{alice}/Drop"
        2S: * MYRIGHTS "Other Users/{alice}/Drop" li
        2S: * LIST (\\NonExistent \\HasChildren) "/" "Other Users/{alice}/Team"
        2S: d OK LIST completed
    """)


def test_special_use_is_the_owners(meet: Meet) -> None:
    """Two mailboxes for sent mail would mislead a client."""
    meet("""
        1C: a SETACL Sent {bob} lr
        1S: a OK …
        2C: b LIST "" ("Sent" "Other Users/{alice}/%")
        2S: * LIST (\\HasNoChildren) "/" "Other Users/{alice}/Sent"
        2S: * LIST (\\HasNoChildren \\Sent) "/" Sent
        2S: b OK …
    """)


def test_subscriptions_are_each_ones_own(meet: Meet) -> None:
    meet(SHARE)
    meet("""
        2C: a SUBSCRIBE "Other Users/{alice}/Team/Post"
        2S: a OK SUBSCRIBE completed
        2C: b SUBSCRIBE "Other Users/{alice}/Team/Post"
        2S: b OK SUBSCRIBE completed
        2C: c LSUB "" "Other Users/*"
        2S: * LSUB () "/" "Other Users/{alice}/Team/Post"
        2S: c OK …
        1C: d LSUB "" "Team*"
        1S: d OK …
        2C: e LIST (SUBSCRIBED) "" "Other*"
        2S: * LIST (\\HasNoChildren \\Subscribed) "/" "Other Users/{alice}/Team/Post"
        2S: e OK …
        1C: f RENAME Team/Post Team/Mail
        1S: f OK …
        2C: g LSUB "" "Other Users/*"
        2S: * LSUB () "/" "Other Users/{alice}/Team/Mail"
        2S: g OK …
        1C: h DELETEACL Team/Mail {bob}
        1S: h OK …
        2C: i LSUB "" "Other Users/*"
        2S: i OK …
        1C: j SETACL Team/Mail {bob} l
        1S: j OK …
        2C: k LSUB "" "Other Users/*"
        2S: * LSUB () "/" "Other Users/{alice}/Team/Mail"
        2S: k OK …
        2C: l UNSUBSCRIBE "Other Users/{alice}/Team/Mail"
        2S: l OK …
        2C: m LSUB "" "Other Users/*"
        2S: m OK …
    """)


def test_two_people_see_the_same_changes(meet: Meet) -> None:
    """All flags are shared, \\Seen too; \\Recent is the owner's to claim."""
    meet("""
        1C: a SETACL INBOX {bob} lrswite
        1S: a OK …
        2C: b SELECT "Other Users/{alice}/inbox"
        2S~ b OK [READ-WRITE] …
        1C: c SELECT INBOX
        1S~ c OK …
        2C: d APPEND "Other Users/{alice}/INBOX" {2+}
        2C: hi
        2S: * 1 EXISTS
        2S: * 1 RECENT
        2S: d OK [APPENDUID …
        1C: e NOOP
        1S: * 1 EXISTS
        1S: * 1 RECENT
        1S: e OK …
        2C: f STORE 1 +FLAGS.SILENT (\\Seen \\Deleted)
        2S: f OK …
        1C: g NOOP
        1S: * 1 FETCH (UID 1 FLAGS (\\Seen \\Deleted \\Recent))
        1S: g OK …
        2C: h EXPUNGE
        2S: * 1 EXPUNGE
        2S: * 0 RECENT
        2S: h OK …
        1C: i NOOP
        1S: * 1 EXPUNGE
        1S: * 0 RECENT
        1S: i OK …
    """)


def test_rights_that_are_taken_act_at_once(meet: Meet) -> None:
    """Section 5.1.1: FLAGS and PERMANENTFLAGS where they change; BYE where the mailbox may not be read any more."""
    meet("""
        1C: a APPEND INBOX {2+}
        1C: hi
        1S: a OK …
        1C: b SETACL INBOX {bob} lrsw
        1S: b OK …
        2C: c SELECT "Other Users/{alice}/INBOX"
        2S~ c OK [READ-WRITE] …
        2C: d IDLE
        2S: + idling
        1C: e SETACL INBOX {bob} -w
        1S: e OK …
        2S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)
        2S: * OK [PERMANENTFLAGS (\\Seen)] Flags permitted.
        2C: DONE
        2S: d OK …
        2C: f STORE 1 +FLAGS (\\Flagged)
        2S: f NO [NOPERM] …
        2C: g STORE 1 +FLAGS.SILENT (\\Seen)
        2S: g OK …
        1C: h SETACL INBOX {bob} lr
        1S: h OK …
        2C: i NOOP
        2S: * FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)
        2S: * OK [PERMANENTFLAGS ()] Flags permitted.
        2S: i OK …
        2C: j STORE 1 -FLAGS (\\Seen)
        2S: j NO The mailbox is selected read-only.
        2C: k IDLE
        2S: + idling
        1C: l DELETEACL INBOX {bob}
        1S: l OK …
        2S: * BYE …
        2S!
    """)


def test_a_revoked_reader_reads_nothing_more(meet: Meet) -> None:
    """Also where the client goes on as if nothing had happened: the rights are looked at before the command."""
    meet("""
        1C: a APPEND INBOX {2+}
        1C: hi
        1S: a OK …
        1C: b SETACL INBOX {bob} lr
        1S: b OK …
        2C: c SELECT "Other Users/{alice}/INBOX"
        2S~ c OK [READ-ONLY] …
        2C: d FETCH 1 (UID)
        2S: * 1 FETCH (UID 1)
        2S: d OK …
        1C: e SETACL INBOX {bob} ""
        1S: e OK …
        2C: f NOOP
        2S: * BYE The selected mailbox was deleted, or is no longer shared with you
        2S!
    """)


def test_a_write_looks_at_the_rights_under_its_lock(meet: Meet) -> None:
    """A session that has not heard of the change cannot write on."""
    from mailboxes.models import Grant

    words = meet("""
        1C: a APPEND INBOX {2+}
        1C: hi
        1S: a OK …
        1C: b SETACL INBOX {bob} lrswte
        1S: b OK …
        2C: c SELECT "Other Users/{alice}/INBOX"
        2S~ c OK [READ-WRITE] …
        2C: d FETCH 1 (FLAGS)
        2S: * 1 FETCH …
        2S: d OK …
    """)
    # Nobody announces this one; a session that takes long may hear of it all the same.
    Grant.objects.filter(account__login=words["bob"], mailbox__account__login=words["alice"]).update(
        rights="lr"
    )
    meet("""
        2C: e STORE 1 +FLAGS (\\Deleted)
        2S~ e NO [NOPERM] …
        2C: f EXPUNGE
        2S~ f NO [NOPERM] …
        2C: g MOVE 1 INBOX
        2S~ g NO [NOPERM] …
        2C: h FETCH 1 (BODY[]<0.1>)
        2S~ * 1 FETCH (BODY[]<0> {1}
        2S: h)
        2S~ h OK …
        2C: i CLOSE
        2S~ i OK CLOSE completed
    """)


def test_the_quota_is_the_owners(meet: Meet) -> None:
    from mailboxes.models import Account, AccountUsage

    words = meet("""
        1C: a SETACL INBOX {bob} lrite
        1S: a OK …
        2C: b APPEND INBOX {5+}
        2C: first
        2S: b OK …
        2C: c SELECT INBOX
        2S~ c OK …
        2C: d COPY 1 "Other Users/{alice}/INBOX"
        2S: d OK [COPYUID …
    """)

    def used(name: str) -> tuple[int, int]:
        usage = AccountUsage.objects.get(account__login=words[name])
        return usage.messages, usage.octets

    assert (used("alice"), used("bob")) == ((1, 5), (1, 5))
    meet("""
        2C: e MOVE 1 "Other Users/{alice}/INBOX"
        2S: * OK [COPYUID …
        2S~ e OK …
    """)
    assert (used("alice"), used("bob")) == ((2, 10), (0, 0))
    Account.objects.filter(login=words["alice"]).update(quota_octets=10)
    meet("""
        2C: f APPEND INBOX {5+}
        2C: other
        2S~ f OK …
        2C: g NOOP
        2S~ g OK …
        2C: h MOVE 1 "Other Users/{alice}/INBOX"
        2S: h NO [OVERQUOTA] …
        2C: i APPEND "Other Users/{alice}/INBOX" {5+}
        2C: third
        2S: i NO [OVERQUOTA] …
        2C: j SELECT "Other Users/{alice}/INBOX"
        2S~ j OK …
        2C: k MOVE 1:* INBOX
        2S~ k OK …
    """)
    assert (used("alice"), used("bob")) == ((0, 0), (3, 15))


def test_names_cannot_cross_from_one_account_to_another(meet: Meet) -> None:
    meet(SHARE)
    meet("""
        1C: a SETACL Team/Post {bob} lrkx
        1S: a OK …
        2C: b CREATE Mine
        2S: b OK …
        2C: c RENAME Mine "Other Users/{alice}/Team/Post/Mine"
        2S: c NO [CANNOT] A mailbox cannot be given to another account.
        2C: d RENAME "Other Users/{alice}/Team/Post" Yours
        2S: d NO [CANNOT] A mailbox cannot be given to another account.
        2C: e CREATE "Other Users"
        2S: e NO …
        2C: f CREATE "Other Users/{bob}/Mine too"
        2S: f NO …
        2C: g SELECT "Other Users/{bob}/Mine"
        2S: g NO [NONEXISTENT] …
        2C: h RENAME Mine "Other Users/Mine"
        2S: h NO …
        2C: i CREATE "Other Users/{alice}/Top"
        2S: i NO [NOPERM] …
        2C: j CREATE "Other Users/{alice}/Team/Post/Below/it"
        2S: j OK …
        2C: k RENAME "Other Users/{alice}/Team/Post/Below" "Other Users/{alice}/Team/Post/Under"
        2S: k OK …
        2C: l DELETE "Other Users/{alice}/Team/Post/Under/it"
        2S: l OK …
        1C: m LIST "" "Team*"
        1S: * LIST (\\HasChildren) "/" Team
        1S: * LIST (\\HasChildren) "/" Team/Post
        1S: * LIST (\\HasNoChildren) "/" Team/Post/Under
        1S: m OK …
        1C: n SETACL INBOX {bob} lrkx
        1S: n OK …
        2C: o DELETE "Other Users/{alice}/INBOX"
        2S: o NO [CANNOT] …
        2C: p RENAME "Other Users/{alice}/INBOX" "Other Users/{alice}/Team/Post/Old"
        2S: p NO [CANNOT] …
    """)


@pytest.mark.parametrize("local", ["a/b", '"x y"', '"q/@/q"', "-minus", "jürgen", "100%*"])
def test_logins_of_every_form(meet: Meet, local: str) -> None:
    """A local part may hold the separator, and quoted an @ (RFC 5321)."""
    from mailboxes.models import Grant, Mailbox
    from mailhost.protocols.imap.utf7 import encode_name
    from tests.support.hosting import new_account

    owner = new_account(local)
    words = meet("")
    inbox = Mailbox.objects.get(account=owner, name="INBOX")
    reader = type(owner).objects.get(login=words["bob"])
    Grant.objects.create(mailbox=inbox, account=reader, rights="lr")
    name = encode_name(f"Other Users/{owner.login}/INBOX").decode()
    name = name.replace("\\", "\\\\").replace('"', '\\"')
    meet(f"""
        2C: a STATUS "{name}" (MESSAGES)
        2S: * STATUS "{name}" (MESSAGES 0)
        2S: a OK …
        2C: b LIST "" "Other Users/*INBOX"
        2S: * LIST (\\HasNoChildren) "/" "{name}"
        2S: b OK …
    """)


def test_anyone_can_be_switched_off(meet: Meet, settings: Settings) -> None:
    meet("""
        1C: a SETACL INBOX anyone lr
        1S: a OK …
        3C: b STATUS "Other Users/{alice}/INBOX" (MESSAGES)
        3S: * STATUS "Other Users/{alice}/INBOX" (MESSAGES 0)
        3S: b OK …
        3C: c SELECT "Other Users/{alice}/INBOX"
        3S~ c OK [READ-ONLY] …
        3C: c UNSELECT
        3S: c OK …
    """)
    settings.SHARE_WITH_ANYONE = False
    meet("""
        3C: d STATUS "Other Users/{alice}/INBOX" (MESSAGES)
        3S: d NO [NONEXISTENT] …
        1C: e LISTRIGHTS INBOX anyone
        1S: * LISTRIGHTS INBOX anyone ""
        1S: e OK …
        1C: f SETACL INBOX anyone lrs
        1S: f NO [NOPERM] …
        1C: g DELETEACL INBOX anyone
        1S: g OK …
    """)
