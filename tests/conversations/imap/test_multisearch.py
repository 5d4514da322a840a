"""ESEARCH over several mailboxes (RFC 7377)."""

from collections.abc import Callable

import pytest

Talk = Callable[[str], dict[str, str]]
Put = Callable[..., int]

CREATE = """
    C: c1 CREATE Work/2024/May
    S: c1 OK …
    C: c2 CREATE Entwürfe
    S: c2 …
    C: c3 CREATE &AMQ-rger
    S: c3 OK …
"""


@pytest.fixture
def scattered(talk: Talk, put: Put) -> None:
    from mailboxes.store.values import Flag

    talk(CREATE.replace("    C: c2 CREATE Entwürfe\n    S: c2 …\n", ""))
    put("an apple")
    put("a pear")
    put("an apple", name="Sent", flags=Flag.SEEN)
    put("no fruit", name="Archive")
    put("apples", name="Work")
    put("a pear", name="Work/2024")
    put("apple", name="Work/2024/May")
    put("apple", name="Ärger")


@pytest.mark.usefixtures("scattered")
def test_each_source(talk: Talk) -> None:
    inbox = ('* ESEARCH (TAG "a" MAILBOX INBOX UIDVALIDITY {inbox}) UID ALL 1',)
    sent = ('* ESEARCH (TAG "a" MAILBOX Sent UIDVALIDITY {sent}) UID ALL 1',)
    work = ('* ESEARCH (TAG "a" MAILBOX Work UIDVALIDITY {work}) UID ALL 1',)
    may = ('* ESEARCH (TAG "a" MAILBOX Work/2024/May UIDVALIDITY {may}) UID ALL 1',)
    anger = ('* ESEARCH (TAG "a" MAILBOX &AMQ-rger UIDVALIDITY {anger}) UID ALL 1',)
    for sources, told in [
        ("personal", inbox + sent + work + may + anger),
        ("subscribed", inbox + sent),
        ("inboxes", inbox),
        ("mailboxes Sent", sent),
        ("mailboxes (Sent inbox Nowhere Archive)", inbox + sent),
        ("subtree Work", work + may),
        ("subtree-one (Work)", work),
        ("subtree-one (Work/2024)", may),
        ("subtree (Work/2024 Sent) mailboxes Sent", sent + may),
        ("mailboxes &AMQ-rger", anger),
        ("mailboxes Nowhere", ()),
        ("selected personal", inbox + sent + work + may + anger),
    ]:
        expected = "".join(f"S: {line}\n" for line in told)
        script = f"C: a ESEARCH IN ({sources}) SUBJECT apple\n{expected}S: a OK ESEARCH completed\n"
        if "selected" not in sources:
            talk(script)
        talk("C: s EXAMINE Sent\nS~ s OK …\n" + script + "C: u UNSELECT\nS: u OK …")


@pytest.mark.usefixtures("scattered")
def test_what_is_returned(talk: Talk) -> None:
    talk("""
        C: a ESEARCH IN (subtree Work) RETURN (COUNT MAX) UNSEEN
        S: * ESEARCH (TAG "a" MAILBOX Work UIDVALIDITY {work}) UID MAX 1 COUNT 1
        S: * ESEARCH (TAG "a" MAILBOX Work/2024 UIDVALIDITY {year}) UID MAX 1 COUNT 1
        S: * ESEARCH (TAG "a" MAILBOX Work/2024/May UIDVALIDITY {may}) UID MAX 1 COUNT 1
        S: a OK …
        C: b ESEARCH IN (inboxes) RETURN (PARTIAL -1:-1) CHARSET UTF-8 UID 1:*
        S: * ESEARCH (TAG "b" MAILBOX INBOX UIDVALIDITY {inbox}) UID PARTIAL (-1:-1 2)
        S: b OK …
        C: c ESEARCH IN (inboxes mailboxes Sent) UID *
        S: * ESEARCH (TAG "c" MAILBOX INBOX UIDVALIDITY {inbox}) UID ALL 2
        S: * ESEARCH (TAG "c" MAILBOX Sent UIDVALIDITY {sent}) UID ALL 1
        S: c OK …
        C: d ESEARCH IN (inboxes mailboxes Sent) RETURN () SEEN
        S: * ESEARCH (TAG "d" MAILBOX Sent UIDVALIDITY {sent}) UID ALL 1
        S: d OK …
        C: e ESEARCH IN (inboxes mailboxes Sent) RECENT YOUNGER 999999999
        S: * ESEARCH (TAG "e" MAILBOX INBOX UIDVALIDITY {inbox}) UID ALL 1:2
        S: * ESEARCH (TAG "e" MAILBOX Sent UIDVALIDITY {sent}) UID ALL 1
        S: e OK …
        C: f ESEARCH IN (personal) FLAGGED
        S: f OK …
        C: g ESEARCH IN (personal) CHARSET KOI8-R ALL
        S: g NO [BADCHARSET …
        C: h ESEARCH IN (mailboxes Sent) MODSEQ 1
        S: * ESEARCH (TAG "h" MAILBOX Sent UIDVALIDITY {sent}) UID ALL 1 MODSEQ {modseq}
        S: h OK …
        C: i ENABLE IMAP4rev2
        S~ i OK …
        C: j ESEARCH IN (mailboxes "Ärger") ALL
        S: * ESEARCH (TAG "j" MAILBOX "Ärger" UIDVALIDITY {anger}) UID ALL 1
        S: j OK …
    """)


@pytest.mark.usefixtures("scattered")
def test_the_selected_mailbox(talk: Talk, put: Put) -> None:
    talk("""
        C: a ESEARCH ALL
        S: a BAD …
        C: b ESEARCH IN (selected) ALL
        S: b BAD …
        C: c ESEARCH IN (personal) RETURN (UPDATE) ALL
        S: c BAD …
        C: s SELECT INBOX
        S~ s OK …
        C: d ESEARCH 2
        S: * ESEARCH (TAG "d" MAILBOX INBOX UIDVALIDITY {inbox}) UID ALL 2
        S: d OK …
        C: e ESEARCH RETURN (SAVE COUNT) SUBJECT apple
        S: * ESEARCH (TAG "e" MAILBOX INBOX UIDVALIDITY {inbox}) UID COUNT 1
        S: e OK …
        C: f ESEARCH IN (selected) UID $
        S: * ESEARCH (TAG "f" MAILBOX INBOX UIDVALIDITY {inbox}) UID ALL 1
        S: f OK …
        C: g ESEARCH IN (personal) $
        S: g BAD …
        C: h ESEARCH IN (personal) 1
        S: h BAD …
        C: i ESEARCH IN (selected inboxes) RETURN (SAVE) ALL
        S: i BAD …
        C: k ESEARCH IN (personal) RETURN (UPDATE COUNT) SUBJECT pear
        S: * ESEARCH (TAG "k" MAILBOX INBOX UIDVALIDITY {inbox}) UID COUNT 1
        S: * ESEARCH (TAG "k" MAILBOX Work/2024 UIDVALIDITY {year}) UID COUNT 1
        S: k OK …
    """)
    put("pears")
    talk("""
        C: l ESEARCH IN (inboxes) SUBJECT pears
        S: * 3 EXISTS
        S: * 3 RECENT
        S: * ESEARCH (TAG "k" MAILBOX INBOX UIDVALIDITY {inbox}) UID ADDTO (0 3)
        S: * ESEARCH (TAG "l" MAILBOX INBOX UIDVALIDITY {inbox}) UID ALL 3
        S: l OK …
        C: k ESEARCH RETURN (UPDATE) ALL
        S: k BAD …
        C: m CANCELUPDATE "k"
        S: m OK …
    """)


def test_what_breaks_the_grammar(talk: Talk) -> None:
    talk("""
        C: a ESEARCH IN () ALL
        S: a BAD …
        C: b ESEARCH IN (everywhere) ALL
        S: b BAD …
        C: c ESEARCH IN (personal (depth 1)) ALL
        S: c BAD …
        C: d ESEARCH IN (subtree) ALL
        S: d BAD …
        C: e ESEARCH IN personal ALL
        S: e BAD …
        C: f ESEARCH IN (mailboxes ()) ALL
        S: f BAD …
        C: g ESEARCH IN (selected-delayed) ALL
        S: g BAD …
        C: h ESEARCH IN (personal)
        S: h BAD …
    """)


def test_mailboxes_of_others_are_searched_where_they_may_be_read(talk: Talk, login: str) -> None:
    from mailboxes.store.hierarchy import find_mailbox
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    owner = new_account("owner")
    put_message(owner.login, "an apple")
    put_message(owner.login, "an apple", name="Archive")
    grant(owner.pk, login)
    assert find_mailbox(account_id=owner.pk, name="INBOX").message_count == 1
    talk(f"""
        C: a ESEARCH IN (subtree "Other Users") SUBJECT apple
        S: * ESEARCH (TAG "a" MAILBOX "Other Users/{owner.login}/INBOX" UIDVALIDITY …) UID ALL 1
        S: a OK …
        C: b ESEARCH IN (personal) SUBJECT apple
        S: b OK …
    """)


def grant(owner_id: int, login: str) -> None:
    """INBOX may be read, Archive only be looked up."""
    from mailboxes.models import Account, Grant, Mailbox

    reader = Account.objects.get(login=login)
    for name, rights in (("INBOX", "lr"), ("Archive", "l")):
        mailbox = Mailbox.objects.get(account_id=owner_id, name=name)
        Grant.objects.create(mailbox=mailbox, account=reader, rights=rights)


def test_the_selected_mailbox_is_named_only_where_there_is_one(talk: Talk) -> None:
    """RFC 7377 section 2.2, also where others are named beside it."""
    talk("""
        C: a ESEARCH IN (selected personal) ALL
        S: a BAD …
        C: b ESEARCH IN (personal) ALL
        S: b OK …
    """)
