"""As whom a message is written: which of the addresses that may be written from stands in the form at first."""

from collections.abc import Sequence

from delivery.sender_addresses import SenderAddress, sender_addresses
from mailboxes.models import Account
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.message.reading import Correspondent, ReadableMessage
from mailhost.webmail.answering import Mode


def offered(account: Account) -> tuple[SenderAddress, ...]:
    """What there is to choose from, the account's own address first: also where its domain is disabled meanwhile.

    Only for accounts that have an address. Sending asks again.
    """
    assert account.address is not None
    own = EmailAddress(account.address.local_part, account.address.domain.name)
    found = sender_addresses(account_id=account.pk)
    others = (each for each in found if each.address != own)
    return (SenderAddress(own, account.pk, account.display_name), *others)


def named(sender: SenderAddress) -> str:
    """The address with the name beside it, as the form says it."""
    return str(Correspondent(sender.display_name, str(sender.address)))


def first_choice(
    senders: Sequence[SenderAddress], entry: MailboxEntry, message: ReadableMessage, mode: Mode
) -> SenderAddress:
    """The address that the message was written to, of those of the account whose mailbox it lies in.

    A draft goes on under the name that it was begun with. Where nothing fits, the first one: the account's own.
    """
    if mode is Mode.DRAFT:
        among, mentioned = senders, message.from_
    else:
        among = [each for each in senders if each.owner_id == entry.account_id]
        mentioned = (*message.to, *message.cc)
    by_address = {str(each.address).casefold(): each for each in among}
    found = (by_address.get(person.address.casefold()) for person in mentioned)
    return next((each for each in found if each), among[0] if among else senders[0])


def own_addresses(senders: Sequence[SenderAddress], entry: MailboxEntry) -> frozenset[str]:
    """Whom an answer leaves out: the writer, and the account whose mailbox the message lies in, casefolded.

    Not aliases: others may read them too. In Sent, whatever the writer may write as is the writer.
    """
    if entry.special_use == "\\Sent":
        return frozenset(str(each.address).casefold() for each in senders)
    firsts: dict[int, SenderAddress] = {}
    for each in senders:
        firsts.setdefault(each.owner_id, each)
    mine = (each for each in firsts.values() if each is senders[0] or each.owner_id == entry.account_id)
    return frozenset(str(each.address).casefold() for each in mine)
