"""Mailboxes and their pages."""

from datetime import UTC, datetime

from django.test import Client

from mailboxes.models import Account
from mailboxes.store.hierarchy import create_mailbox, find_mailbox
from mailboxes.store.values import Flag
from mailhost.webmail.folders import arrange
from mailhost.webmail.listing import PAGE_LENGTH
from tests.webmail.conftest import Deliver, Statements
from tests.webmail.mail import LETTER, NOW, mailbox_id


def numbered(number: int) -> bytes:
    return LETTER.replace(b"Subject: Hello", b"Subject: Letter %d." % number)


def test_mailboxes_stand_in_the_order_people_look_for_them(signed_in: Client, alice: Account) -> None:
    for name in ("Zoo", "Archive/2025", "Clients/Smith", "Clients/Jones/Old"):
        create_mailbox(account_id=alice.pk, name=name, now=NOW)
    page = signed_in.get("/mail/", follow=True)
    shown = [(folder.depth, folder.label) for folder in page.context["folders"]]
    assert shown == [
        (0, "Inbox"), (0, "Drafts"), (0, "Sent"), (0, "Archive"), (1, "2025"), (0, "Junk"), (0, "Trash"),
        (0, "Clients"), (1, "Jones"), (2, "Old"), (1, "Smith"), (0, "Zoo"),
    ]  # fmt: skip


def test_a_level_that_is_no_mailbox_is_shown_and_leads_nowhere(alice: Account) -> None:
    create_mailbox(account_id=alice.pk, name="Clients/Smith", now=NOW)
    entry = find_mailbox(account_id=alice.pk, name="Clients/Smith")
    assert [(each.label, each.mailbox_id) for each in arrange([entry])] == [
        ("Clients", None),
        ("Smith", entry.mailbox_id),
    ]


def test_the_list_shows_what_there_is_to_know(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    deliver(alice, numbered(1), flags=Flag.SEEN)
    deliver(alice, numbered(2))
    page = signed_in.get("/mail/", follow=True).content.decode()
    assert page.index("Letter 2.") < page.index("Letter 1.")
    assert page.count('class="row unseen"') == 1
    assert "Bob" in page
    assert "How are you?" in page
    assert "2 messages, 1 unread" in page


def test_pages_stay_where_they_are_when_mail_arrives(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    for number in range(1, PAGE_LENGTH * 2 + 2):
        deliver(alice, numbered(number))
    where = f"/mail/{mailbox_id(alice)}/"

    def subjects(query: str) -> list[str]:
        return [line.subject for line in signed_in.get(where + query).context["page"].lines]

    first = subjects("")
    assert first[0] == f"Letter {PAGE_LENGTH * 2 + 1}."
    second = subjects(f"?before={signed_in.get(where).context['page'].older_than}")
    deliver(alice, numbered(999))
    page = signed_in.get(where + f"?before={PAGE_LENGTH + 2}").context["page"]
    assert second[0] == f"Letter {PAGE_LENGTH + 1}."
    assert [line.subject for line in page.lines] == second
    assert [
        line.subject for line in signed_in.get(where + f"?after={page.newer_than}").context["page"].lines
    ] == first
    assert len(subjects("?before=2")) == 1


def test_an_empty_mailbox_says_so_kindly(signed_in: Client, alice: Account) -> None:
    assert b"Trash is empty" in signed_in.get(f"/mail/{mailbox_id(alice, 'Trash')}/").content


def test_times_are_told_in_the_readers_zone(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    deliver(alice)
    signed_in.cookies["timezone"] = "Asia/Tokyo"
    assert b"4 March 2026, 21:00" in signed_in.get("/mail/", follow=True).content
    signed_in.cookies["timezone"] = "../../etc/passwd"
    assert b"4 March 2026, 12:00" in signed_in.get("/mail/", follow=True).content


def test_a_list_takes_as_many_statements_for_forty_messages_as_for_one(
    signed_in: Client, alice: Account, deliver: Deliver, statements: Statements
) -> None:
    deliver(alice)
    where = f"/mail/{mailbox_id(alice)}/"
    signed_in.get(where)
    with statements() as for_one:
        signed_in.get(where)
    for _ in range(39):
        deliver(alice)
    with statements() as for_forty:
        signed_in.get(where)
    # session, account, mailboxes, those of others, messages, held, waiting
    assert len(for_forty) == len(for_one) <= 7


def test_a_wild_address_is_not_found(signed_in: Client, alice: Account) -> None:
    for path in ("/mail/999999999999999999999999/", f"/mail/{mailbox_id(alice)}/99999999999999999/"):
        assert signed_in.get(path).status_code == 404
    where = f"/mail/{mailbox_id(alice)}/"
    for query in ("?before=x", "?before=-1", "?after=99999999999999999999999", "?before=²"):
        assert signed_in.get(where + query).status_code == 200


def test_dates_of_old_mail_have_their_year(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    deliver(alice)
    year = "" if datetime.now(UTC).year == NOW.year else " 2026"
    assert f">4 Mar{year}</time>" in signed_in.get("/mail/", follow=True).content.decode()


def test_an_open_page_hears_of_new_mail(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    deliver(alice)
    page = signed_in.get(f"/mail/{mailbox_id(alice)}/")
    known = page.context["known_uid_next"]
    where = f"/mail/news/?at={mailbox_id(alice)}&known={known}"
    assert where.replace("&", "&amp;") in page.content.decode()
    assert "New mail" not in signed_in.get(where).content.decode()
    deliver(alice)
    told = signed_in.get(where).content.decode()
    assert "New mail has come." in told
    assert '<span class="count">2' in told
    assert signed_in.get("/mail/news/?at=&known=").status_code == 200
    assert signed_in.get("/mail/news/?at=999999999").status_code == 404


def test_a_page_whose_session_has_ended_is_left_as_it_is(client: Client, alice: Account) -> None:
    answer = client.get("/mail/news/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (204, b"")
