"""Looks into an account's INBOX, beside the doors."""

from mailboxes.models import Account, Content, Mailbox, Message


def inbox(account: Account) -> list[bytes]:
    """The octets of every message there, oldest first."""
    mailbox = Mailbox.objects.get(account=account, name="INBOX")
    ids = Message.objects.filter(mailbox_id=mailbox.pk).order_by("uid").values_list("content_id", flat=True)
    return [bytes(Content.objects.get(pk=content_id).octets) for content_id in ids]
