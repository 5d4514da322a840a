"""What hosted people have: accounts, mailboxes, messages."""

from mailboxes.models.account import Account, AccountUsage
from mailboxes.models.api_key import ApiKey
from mailboxes.models.content import Content
from mailboxes.models.mailbox import Mailbox
from mailboxes.models.message import Expunged, Message

__all__ = ["Account", "AccountUsage", "ApiKey", "Content", "Expunged", "Mailbox", "Message"]
