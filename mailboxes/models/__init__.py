"""What hosted people have: accounts, mailboxes, messages."""

from mailboxes.models.account import Account, AccountUsage
from mailboxes.models.annotation import Annotation
from mailboxes.models.api_key import ApiKey
from mailboxes.models.content import Content
from mailboxes.models.domain_administrator import DomainAdministrator
from mailboxes.models.grant import Grant
from mailboxes.models.junk import SITE, JunkCount, JunkTotal, Lesson
from mailboxes.models.mailbox import Mailbox
from mailboxes.models.maildrop_lease import MaildropLease
from mailboxes.models.message import Expunged, Message
from mailboxes.models.search_index import SearchIndex, SearchSegment, SearchWords
from mailboxes.models.sender_rule import SenderRule
from mailboxes.models.subscription import Subscription

__all__ = [
    "SITE",
    "Account",
    "AccountUsage",
    "Annotation",
    "ApiKey",
    "Content",
    "DomainAdministrator",
    "Expunged",
    "Grant",
    "JunkCount",
    "JunkTotal",
    "Lesson",
    "Mailbox",
    "MaildropLease",
    "Message",
    "SearchIndex",
    "SearchSegment",
    "SearchWords",
    "SenderRule",
    "Subscription",
]
