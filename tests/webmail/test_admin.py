"""The admin: verbs behind every form, facts as form errors, and as many statements for many rows as for one."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from delivery.acceptance import Acceptance, accept_now
from delivery.models import Attempt, QueuedMessage, SubmissionLimits
from delivery.submission.holds import hold_sending
from domains.aliases import set_alias
from domains.models import Alias, Domain
from domains.registration import add_domain
from mailboxes.accounts import change_account
from mailboxes.administration import appoint_administrator, domains_administered_by
from mailboxes.api_keys import check_api_key
from mailboxes.models import Account, AccountUsage, ApiKey, DomainAdministrator
from mailhost.audit.models import Act
from mailhost.audit.trail import record
from mailhost.protocols.addresses import EmailAddress
from tests.support.hosting import new_account, new_domain
from tests.webmail.conftest import Statements
from tests.webmail.mail import LETTER

NEW_PASSWORD = "battery staple 42"


def acts(subject: str) -> list[tuple[str, str]]:
    return list(Act.objects.filter(subject=subject).order_by("id").values_list("actor", "verb"))


def errors(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return str(answer.context["adminform"].form.errors)


def account_form(**changes: str) -> dict[str, str]:
    words = {"display_name": "", "password": "", "quota_octets": "", "recovery_email": "", "is_enabled": "on"}
    return words | changes


def test_an_account_added_here_has_mailboxes_scram_keys_and_a_trail(admin_pages: Client) -> None:
    domain = new_domain()
    form = account_form(
        login=f"Carol@{domain}", password=NEW_PASSWORD, quota_octets="2G", display_name="Carol"
    )
    answer = admin_pages.post("/admin/mailboxes/account/add/", form)
    assert answer.status_code == 302
    carol = Account.objects.get(login=f"carol@{domain}")
    assert carol.mailboxes.filter(name="INBOX").exists()
    assert carol.scram_stored_key
    assert (carol.quota_octets, carol.display_name) == (2 << 30, "Carol")
    assert carol.check_password(NEW_PASSWORD)
    assert acts(carol.login)[0] == ("root", "account added")


def test_facts_become_form_errors_and_nothing_changes(admin_pages: Client, alice: Account) -> None:
    before = Act.objects.count()
    for form, said in (
        ({"login": alice.login, "password": NEW_PASSWORD}, "is taken already"),
        ({"login": "x@not-hosted.test", "password": NEW_PASSWORD}, "is not hosted here"),
        ({"login": "no spaces @here", "password": NEW_PASSWORD}, "login"),
        ({"login": "someone", "password": NEW_PASSWORD}, "needs an address"),
        ({"login": "x@not-hosted.test", "password": "short"}, "too short"),
        ({"login": "x@not-hosted.test", "password": NEW_PASSWORD, "quota_octets": "plenty"}, "500M or 5G"),
    ):
        assert said in errors(admin_pages.post("/admin/mailboxes/account/add/", account_form(**form)))
    assert Act.objects.count() == before


def test_an_operator_without_a_mailbox_is_made_by_a_name(admin_pages: Client) -> None:
    form = account_form(login="Night Watch", password=NEW_PASSWORD, is_operator="on")
    assert admin_pages.post("/admin/mailboxes/account/add/", form).status_code == 302
    watch = Account.objects.get(login="night watch")
    assert (watch.is_operator, watch.address_id) == (True, None)


def test_accounts_that_need_room_are_found_by_octets_and_by_messages(
    admin_pages: Client, alice: Account
) -> None:
    def is_listed(room: str) -> bool:
        return alice.login.encode() in admin_pages.get(f"/admin/mailboxes/account/?room={room}").content

    Account.objects.filter(pk=alice.pk).update(quota_octets=0)
    assert (is_listed("90"), is_listed("none")) == (False, True)
    change_account(account_id=alice.pk, quota_messages=10, by="test")
    assert (is_listed("90"), is_listed("none")) == (False, False)
    AccountUsage.objects.filter(account=alice).update(messages=9)
    assert is_listed("90")
    assert b"9 of 10" in admin_pages.get("/admin/mailboxes/account/").content
    AccountUsage.objects.filter(account=alice).update(messages=0, octets=90)
    change_account(account_id=alice.pk, quota_octets=100, by="test")
    assert is_listed("90")


def test_password_quota_and_enabled_change_through_the_verbs(admin_pages: Client, alice: Account) -> None:
    keys = bytes(alice.scram_stored_key)
    form = account_form(password=NEW_PASSWORD, quota_octets="750M", quota_messages="70")
    del form["is_enabled"]
    assert admin_pages.post(f"/admin/mailboxes/account/{alice.pk}/change/", form).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(NEW_PASSWORD)
    assert bytes(alice.scram_stored_key) != keys
    assert (alice.quota_octets, alice.quota_messages, alice.is_enabled) == (750 << 20, 70, False)
    assert ("root", "password changed") in acts(alice.login)
    page = admin_pages.get(f"/admin/mailboxes/account/{alice.pk}/change/")
    assert b'value="750M"' in page.content


def test_operators_keep_their_session_with_a_new_password_and_cannot_shut_themselves_out(
    admin_pages: Client, operator: Account
) -> None:
    where = f"/admin/mailboxes/account/{operator.pk}/change/"
    assert "shut yourself out" in errors(admin_pages.post(where, account_form()))
    assert admin_pages.post(where, account_form(is_operator="on", password=NEW_PASSWORD)).status_code == 302
    assert admin_pages.get(where).status_code == 200
    admin_pages.post(f"/admin/mailboxes/account/{operator.pk}/delete/", {"post": "yes"})
    assert Account.objects.filter(pk=operator.pk).exists()
    assert admin_pages.get("/admin/password_change/").headers["Location"] == where


def test_an_account_is_removed_with_its_mail_and_frees_its_address(
    admin_pages: Client, alice: Account
) -> None:
    page = admin_pages.get(f"/admin/mailboxes/account/{alice.pk}/delete/")
    assert b"6 mailboxes, 0 messages" in page.content
    admin_pages.post(f"/admin/mailboxes/account/{alice.pk}/delete/", {"post": "yes"})
    assert not Account.objects.filter(pk=alice.pk).exists()
    assert acts(alice.login)[-1] == ("root", "account removed")


def test_domains_are_added_changed_and_only_removed_when_empty(admin_pages: Client, alice: Account) -> None:
    form = {"name": "Bücher.example", "is_enabled": "on", "alias_of": ""}
    assert admin_pages.post("/admin/domains/domain/add/", form).status_code == 302
    books = Domain.objects.get(name="xn--bcher-kva.example")
    assert "hosted here already" in errors(admin_pages.post("/admin/domains/domain/add/", form))
    assert "is not a domain" in errors(admin_pages.post("/admin/domains/domain/add/", form | {"name": "a b"}))
    admin_pages.post(f"/admin/domains/domain/{books.pk}/change/", {"name": "x", "alias_of": ""})
    books.refresh_from_db()
    assert (books.name, books.is_enabled) == ("xn--bcher-kva.example", False)
    admin_pages.post(f"/admin/domains/domain/{books.pk}/delete/", {"post": "yes"})
    assert acts(books.name) == [("root", f"domain {verb}") for verb in ("added", "changed", "removed")]
    assert alice.address is not None
    admin_pages.post(f"/admin/domains/domain/{alice.address.domain_id}/delete/", {"post": "yes"})
    assert Domain.objects.filter(pk=alice.address.domain_id).exists()
    chosen = {"action": "delete_selected", "_selected_action": [alice.address.domain_id], "post": "yes"}
    admin_pages.post("/admin/domains/domain/", chosen)
    assert Domain.objects.filter(pk=alice.address.domain_id).exists()


def test_thresholds_of_domains_and_accounts_are_changed_here(admin_pages: Client, alice: Account) -> None:
    assert alice.address is not None
    domain = alice.address.domain
    where = f"/admin/domains/domain/{domain.pk}/change/"
    assert "Empty: as this host, 15. 0: never for points." in admin_pages.get(where).content.decode()
    form = {
        "is_enabled": "on",
        "alias_of": "",
        "junk_score": "4",
        "quarantine_score": "",
        "refuse_score": "12",
    }
    assert admin_pages.post(where, form).status_code == 302
    domain.refresh_from_db()
    assert (domain.junk_score, domain.quarantine_score, domain.refuse_score) == (4, None, 12)
    assert "from 12 on, mail is refused" in errors(admin_pages.post(where, form | {"junk_score": "13"}))

    where = f"/admin/mailboxes/account/{alice.pk}/change/"
    page = admin_pages.get(where).content.decode()
    assert "Empty: as its domain, 12." in page
    assert "Empty: as this host, never." in page
    assert admin_pages.post(where, account_form(junk_score="6.5", refuse_score="0")).status_code == 302
    alice.refresh_from_db()
    assert (alice.junk_score, alice.quarantine_score, alice.refuse_score) == (6.5, None, 0)
    wrong = account_form(junk_score="6.5", quarantine_score="3")
    assert "Junk cannot begin at 6.5 points" in errors(admin_pages.post(where, wrong))
    assert ("root", "account changed") in acts(alice.login)
    assert ("root", "domain changed") in acts(domain.name)


def test_aliases_have_targets_one_a_line(admin_pages: Client) -> None:
    domain = new_domain()
    form = {"email": f"Info@{domain}", "target_lines": "a@x.test\r\nb@y.test\r\na@x.test", "is_enabled": "on"}
    assert admin_pages.post("/admin/domains/alias/add/", form).status_code == 302
    alias = Alias.objects.get(address__domain__name=domain)
    assert [target.email for target in alias.targets.all()] == ["a@x.test", "b@y.test"]
    assert "is taken already" in errors(admin_pages.post("/admin/domains/alias/add/", form))
    assert "is not an address" in errors(
        admin_pages.post("/admin/domains/alias/add/", form | {"target_lines": "nonsense"})
    )
    where = f"/admin/domains/alias/{alias.pk}/change/"
    assert b"a@x.test\nb@y.test" in admin_pages.get(where).content
    assert admin_pages.post(where, {"target_lines": "c@z.test", "is_enabled": "on"}).status_code == 302
    assert [target.email for target in alias.targets.all()] == ["c@z.test"]


def test_an_api_key_is_shown_once_and_works(admin_pages: Client) -> None:
    page = admin_pages.post(
        "/admin/mailboxes/apikey/add/", {"name": "billing", "expires_at_0": "", "expires_at_1": ""}
    )
    assert "no-store" in page.headers["Cache-Control"]
    found = re.search(r'value="(mh_[^"]+)"', page.content.decode())
    assert found
    key = check_api_key(found[1])
    assert key
    assert (key.name, key.pk is None) == ("billing", False)
    assert found[1] not in str(page.cookies)
    again = admin_pages.get(f"/admin/mailboxes/apikey/{key.pk}/change/").content.decode()
    assert found[1] not in again
    twice = admin_pages.post(
        "/admin/mailboxes/apikey/add/", {"name": "billing", "expires_at_0": "", "expires_at_1": ""}
    )
    assert "already" in errors(twice)


@pytest.fixture
def captured(alice: Account) -> QueuedMessage:
    relay = (EmailAddress.parse("bob@elsewhere.test"), EmailAddress.parse("carol@elsewhere.test"))
    accepted = accept_now(Acceptance(LETTER, (), relay, alice.login, submitted_by=alice.pk))
    assert accepted.queued_message_id
    message = QueuedMessage.objects.get(pk=accepted.queued_message_id)
    message.recipients.update(state="captured", last_reply="250 kept <script>")
    recipient = message.recipients.first()
    assert recipient
    Attempt.objects.create(
        recipient=recipient, at=timezone.now(), outcome="captured", host="mx.elsewhere.test"
    )
    return message


def test_what_would_have_left_can_be_read(admin_pages: Client, captured: QueuedMessage) -> None:
    page = admin_pages.get("/admin/delivery/queuedmessage/?recipients__state__exact=captured")
    assert b"2 captured" in page.content
    assert b"Hello" in page.content
    where = f"/admin/delivery/queuedmessage/{captured.pk}"
    assert b"bob@elsewhere.test" in admin_pages.get(f"{where}/change/").content
    assert b"How are you?" in admin_pages.get(f"{where}/read/").content
    source = admin_pages.get(f"{where}/source/").content
    assert b"Message-ID: &lt;hello@elsewhere.test&gt;" in source
    recipient = captured.recipients.first()
    assert recipient
    shown = admin_pages.get(f"/admin/delivery/queuedrecipient/{recipient.pk}/change/").content
    assert b"mx.elsewhere.test" in shown
    assert b"<script>\n" not in shown
    assert admin_pages.get("/admin/delivery/queuedmessage/987654321/read/").status_code == 404
    assert admin_pages.post(f"{where}/delete/", {"post": "yes"}).status_code == 403


def test_the_queue_is_searched_by_number_and_whole_addresses(
    admin_pages: Client, captured: QueuedMessage
) -> None:
    recipient = captured.recipients.all()[0]
    for asked in (f"Q{captured.pk}", captured.reverse_path.upper(), recipient.forward_path):
        found = admin_pages.get("/admin/delivery/queuedmessage/", {"q": asked})
        assert found.context["cl"].result_count == 1, asked
    for asked in (f"Q{captured.pk + 1}", "nobody@far.test"):
        found = admin_pages.get("/admin/delivery/queuedmessage/", {"q": asked})
        assert found.context["cl"].result_count == 0, asked


def test_held_mail_is_released_where_its_account_is_listed(
    admin_pages: Client, captured: QueuedMessage, alice: Account
) -> None:
    captured.recipients.update(state="held")
    hold_sending(account_id=alice.pk, reason="It looks hijacked.", by="test", now=timezone.now())
    assert b"It looks hijacked." in admin_pages.get("/admin/delivery/sendinghold/").content
    answer = admin_pages.post(
        "/admin/delivery/sendinghold/", {"action": "release_all", "_selected_action": [str(alice.pk)]}
    )
    assert answer.status_code == 302
    assert set(captured.recipients.values_list("state", flat=True)) == {"queued"}
    assert acts(alice.login)[-1] == ("root", "sending hold lifted")


def test_one_held_message_is_given_up(admin_pages: Client, captured: QueuedMessage) -> None:
    captured.recipients.update(state="held")
    where, chosen = "/admin/delivery/queuedmessage/", [str(captured.pk)]
    admin_pages.post(where, {"action": "cancel_held", "_selected_action": chosen})
    assert set(captured.recipients.values_list("state", flat=True)) == {"cancelled"}


def test_an_account_is_given_limits_of_its_own(admin_pages: Client, alice: Account) -> None:
    where = "/admin/delivery/submissionlimits/"
    added = admin_pages.post(f"{where}add/", {"account": str(alice.pk), "messages_per_day": "5000"})
    assert added.status_code == 302, errors(added)
    assert SubmissionLimits.objects.get(account=alice).messages_per_day == 5000
    admin_pages.post(f"{where}{alice.pk}/delete/", {"post": "yes"})
    assert not SubmissionLimits.objects.filter(account=alice).exists()
    assert [verb for _, verb in acts(alice.login)][-2:] == [
        "submission limits set",
        "submission limits removed",
    ]


def test_only_operators_read_the_queue(signed_in: Client, captured: QueuedMessage) -> None:
    answer = signed_in.get(f"/admin/delivery/queuedmessage/{captured.pk}/source/")
    assert answer.headers["Location"].startswith("/admin/login/")


def grow(number: int) -> None:
    """One more row of everything that the admin lists."""
    domain = new_domain()
    account = new_account("bob", domain=domain, quota_octets=1 << 30)
    add_domain(name=f"alias-{number}.example", alias_of=domain, by="test")
    target = EmailAddress.parse("bob@elsewhere.test")
    set_alias(address=EmailAddress("info", domain), targets=[target], by="test")
    ApiKey.objects.create(name=f"key {number}", digest=b"%d" % number)
    relay = (EmailAddress.parse(f"x@d{number}.test"), EmailAddress.parse(f"y@d{number}.test"))
    accept_now(Acceptance(LETTER, (account.pk,), relay, account.login, submitted_by=account.pk))
    record(by="test", verb="counted", subject=domain, number=number)


@pytest.mark.parametrize(
    "where",
    [
        "domains/domain",
        "domains/alias",
        "mailboxes/account",
        "mailboxes/apikey",
        "delivery/queuedmessage",
        "delivery/destination",
        "audit/act",
    ],
)
def test_lists_take_as_many_statements_for_many_rows_as_for_one(
    admin_pages: Client, statements: Statements, where: str
) -> None:
    grow(0)
    admin_pages.get(f"/admin/{where}/")
    with statements() as for_one:
        assert admin_pages.get(f"/admin/{where}/").status_code == 200
    for number in range(1, 12):
        grow(number)
    with statements() as for_many:
        page = admin_pages.get(f"/admin/{where}/")
    assert page.context["cl"].result_count >= 12
    assert len(for_many) == len(for_one) <= 8


def test_what_is_closed_to_an_account_is_ticked(admin_pages: Client, alice: Account) -> None:
    page = f"/admin/mailboxes/account/{alice.pk}/change/"
    form = account_form() | {
        "closed_protocols": ["pop3", "smtp"],
        "imap_switched_off": "QRESYNC, LITERAL+",
        "pop3_keeps_copy": "on",
    }
    assert admin_pages.post(page, form).status_code == 302
    alice.refresh_from_db()
    assert alice.closed_protocols == ["pop3", "smtp"]
    assert alice.imap_switched_off == ["LITERAL+", "QRESYNC"]
    assert alice.pop3_keeps_copy
    assert "is no IMAP capability" in errors(
        admin_pages.post(page, account_form() | {"imap_switched_off": "NONSENSE"})
    )
    assert "valid choice" in errors(admin_pages.post(page, account_form() | {"closed_protocols": ["ftp"]}))


def test_an_operator_does_not_shut_himself_out(admin_pages: Client, operator: Account) -> None:
    page = f"/admin/mailboxes/account/{operator.pk}/change/"
    form = account_form(is_operator="on") | {"closed_protocols": ["web"]}
    assert "cannot shut yourself out" in errors(admin_pages.post(page, form))


def test_closing_the_web_ends_its_sessions(client: Client, alice: Account) -> None:
    client.force_login(alice)
    assert client.get("/mail/", follow=True).status_code == 200
    Account.objects.filter(pk=alice.pk).update(closed_protocols=["web"])
    assert client.get("/mail/").headers["Location"] == "/?next=/mail/"


def test_the_role_of_a_domain_administrator_is_given_and_withdrawn(
    admin_pages: Client, statements: Statements
) -> None:
    domain, alice = new_domain(), new_account("alice")
    where = "/admin/mailboxes/domainadministrator/"
    pk = Domain.objects.get(name=domain).pk
    assert admin_pages.post(f"{where}add/", {"domain": pk, "account": alice.pk}).status_code == 302
    assert domains_administered_by(account_id=alice.pk) == [domain]
    page = admin_pages.get(f"/admin/mailboxes/account/{alice.pk}/change/").content.decode()
    assert f'<div class="readonly">{domain}</div>' in page
    alias = add_domain(name=f"also-{domain}", alias_of=domain, by="test")
    assert "domain" in errors(admin_pages.post(f"{where}add/", {"domain": alias.pk, "account": alice.pk}))
    with statements() as few:
        assert alice.login in admin_pages.get(where).content.decode()
    for number in range(3):
        appoint_administrator(domain=domain, login=new_account(f"bob{number}").login, by="test")
    with statements() as many:
        assert admin_pages.get(where).status_code == 200
    assert len(many) == len(few)
    row = DomainAdministrator.objects.get(account=alice)
    assert admin_pages.post(f"{where}{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert domains_administered_by(account_id=alice.pk) == []
    assert acts(domain)[-1] == ("root", "domain administrator withdrawn")


def test_a_key_of_an_account_is_made_here(admin_pages: Client) -> None:
    alice = new_account("alice")
    answer = admin_pages.post("/admin/mailboxes/apikey/add/", {"name": "hers", "account": alice.pk})
    key = re.search(r"mh_[\w-]{43}", answer.content.decode())
    assert key is not None
    row = check_api_key(key[0])
    assert row is not None
    assert row.account == alice
    assert alice.login in admin_pages.get("/admin/mailboxes/apikey/").content.decode()
