"""Answering, forwarding, and going on with a draft."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mailboxes.models import Account, Message
from mailboxes.store.values import Flag
from tests.support.hosting import new_account
from tests.webmail.conftest import Deliver
from tests.webmail.mail import LETTER, mailbox_id
from tests.webmail.test_compose import ASKED, TEXT, begun, count, latest, write


def test_an_answer_quotes_and_stays_in_its_thread(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    uid = deliver(alice, ASKED % alice.login.encode())
    form = begun(signed_in, alice, uid, "reply")
    assert form["to"] == "Bob <bob@elsewhere.test>"
    assert form["subject"] == "Re: Hello"
    assert "Bob wrote:\n\n> How are you?" in form["text"]
    answer = write(signed_in, f"/mail/{mailbox_id(alice)}/{uid}/reply/", **form)
    assert answer.status_code == 302
    message = latest(alice, "Sent")
    assert message["In-Reply-To"] == "<hello@elsewhere.test>"
    assert message["References"].split() == ["<first@elsewhere.test>", "<hello@elsewhere.test>"]
    row = Message.objects.get(mailbox_id=mailbox_id(alice), uid=uid)
    assert Flag.ANSWERED in Flag(row.flags)


def test_an_answer_to_all_leaves_oneself_out(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    uid = deliver(alice, ASKED % alice.login.upper().encode())
    form = begun(signed_in, alice, uid, "reply-all")
    assert form["cc"] == "Carol <carol@elsewhere.test>, dave@elsewhere.test"


def test_an_answer_goes_where_the_writer_asks(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    octets = LETTER.replace(b"To: alice", b'Reply-To: "List, the" <list@elsewhere.test>\r\nTo: alice')
    assert (
        begun(signed_in, alice, deliver(alice, octets), "reply")["to"] == '"List, the" <list@elsewhere.test>'
    )


def test_a_forwarded_message_takes_its_attachments_along(signed_in: Client, alice: Account) -> None:
    file = SimpleUploadedFile("plan.bin", b"\x00plan")
    other = SimpleUploadedFile("secret.bin", b"secret")
    write(signed_in, to=alice.login, uploads=[file, other])
    uid = Message.objects.get(mailbox_id=mailbox_id(alice)).uid
    where = f"/mail/{mailbox_id(alice)}/{uid}/forward/"
    page = signed_in.get(where)
    assert "Forwarded message" in page.content.decode()
    kept = [section for section, label in page.context["form"].fields["kept"].choices if "plan" in label]
    bob = new_account("bob")
    assert write(signed_in, where, to=bob.login, kept=kept).status_code == 302
    assert [part.get_filename() for part in latest(bob).iter_attachments()] == ["plan.bin"]
    assert Message.objects.get(mailbox_id=mailbox_id(alice), uid=uid).keywords == ["$Forwarded"]


def test_a_draft_is_kept_gone_on_with_and_sent(signed_in: Client, alice: Account) -> None:
    bob = new_account("bob")
    words = {"to": f"Bob <{bob.login}>", "bcc": "x@elsewhere.test", "save": "1"}
    answer = write(signed_in, uploads=[SimpleUploadedFile("a.bin", b"a")], **words)
    where = answer.headers["Location"]
    assert where.endswith("/draft/")
    form = signed_in.get(where).context["form"]
    assert form["to"].value() == f"Bob <{bob.login}>"
    assert form["bcc"].value() == "x@elsewhere.test"
    assert form["text"].value().strip() == TEXT.strip()
    again = write(signed_in, where, save="1", to="", text="shorter", kept=["2"])
    assert count(alice, "Drafts") == 1
    write(signed_in, again.headers["Location"], to=bob.login, text="final", kept=["2"])
    assert (count(alice, "Drafts"), count(alice, "Sent"), count(bob, "INBOX")) == (0, 1, 1)
    assert [part.get_content() for part in latest(bob).iter_attachments()] == ["a"]
    assert "Bcc" not in latest(bob)
