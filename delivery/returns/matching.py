"""Whose mail a notice or a complaint is about: the recipients of the queue that it names, as far as that can be known.

A bounce address (VERP) proves it. Otherwise it must quote a message, by its Message-ID or its envelope id, that was
really sent to the address which it names: whoever makes one up knows neither.
"""

import re
from dataclasses import dataclass
from typing import Final

from mailhost.net.database import cursor
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.arf import FeedbackReport
from mailhost.protocols.dsn_fields import decode_xtext
from mailhost.protocols.dsn_reading import Notice, ReadRecipient
from mailhost.protocols.report_fields import typed_address

MAX_MESSAGE_ID: Final = 500  # characters, as queue/enqueue.py cuts it
MAX_FOUND: Final = 1_000

# What was sent to these addresses, or asked to be told about under them, with this Message-ID or envelope id.
# `owner`: only what this account sent, or what went out under its address. The addresses are few, and have an index.
BY_ADDRESS: Final = b"""
SELECT recipient.id, lower(recipient.forward_path)
  FROM delivery_queuedrecipient recipient JOIN delivery_queuedmessage message ON message.id = recipient.message_id
 WHERE lower(recipient.forward_path) = ANY(%(addresses)s)
   AND recipient.state = 'delivered' AND recipient.attempts > 0
   AND ((message.message_id_field = %(message_id)s::text AND message.message_id_field <> '')
        OR (message.envid = %(envid)s::text AND message.envid <> ''))
   AND (%(owner)s::bigint IS NULL OR message.account_id = %(owner)s
        OR lower(message.reverse_path) = (SELECT lower(login) FROM mailboxes_account WHERE id = %(owner)s))
 ORDER BY recipient.id DESC LIMIT %(limit)s
"""
# Where another host has changed the address, it may still name the one that our sender named (RFC 3461 section 4.2), or
# the alias here that it was told of (relay/parcel.py).
BY_ORIGINAL: Final = b"""
SELECT recipient.id, recipient.orcpt, recipient.original_path
  FROM delivery_queuedmessage message JOIN delivery_queuedrecipient recipient ON recipient.message_id = message.id
 WHERE message.account_id = %(owner)s
   AND ((message.message_id_field = %(message_id)s::text AND message.message_id_field <> '')
        OR (message.envid = %(envid)s::text AND message.envid <> ''))
   AND recipient.state = 'delivered' AND recipient.attempts > 0
   AND (recipient.orcpt <> '' OR recipient.original_path <> '')
 ORDER BY recipient.id DESC LIMIT %(limit)s
"""
_NOT_XCHAR = re.compile(r"[^!-*,-<>-~]")


@dataclass(frozen=True, slots=True)
class Bounced:
    """A recipient of the queue, and what the notice says of it."""

    recipient_id: int
    said: ReadRecipient


def match_notice(notice: Notice, *, account_id: int) -> list[Bounced]:
    """The recipients that a notice to this account says have failed, of what it sent; each once."""
    quoted = _quoted(notice.quoted.message_id, notice.envelope_id) | {"owner": account_id, "limit": MAX_FOUND}
    wanted = {key: said for said in notice.failed for key in (_key(said.original), _key(said.final)) if key}
    found: dict[int, ReadRecipient] = {}
    with cursor() as sql:
        for recipient_id, address in sql.execute(BY_ADDRESS, quoted | {"addresses": list(wanted)}):
            if address in wanted:  # beyond ASCII, two sorts of lower case may differ
                found.setdefault(recipient_id, wanted[address])
    told = {id(said) for said in found.values()}
    originals = {
        _key(each.original): each for each in notice.failed if each.original and id(each) not in told
    }
    if originals:
        found = _by_original(originals, quoted) | found
    return [Bounced(recipient_id, said) for recipient_id, said in found.items()]


def _by_original(originals: dict[str, ReadRecipient], quoted: dict[str, object]) -> dict[int, ReadRecipient]:
    """An alias of the sender's may have made several recipients of one: then it is not known which has failed."""
    found: dict[str, list[int]] = {}
    with cursor() as sql:
        for recipient_id, orcpt, original_path in sql.execute(BY_ORIGINAL, quoted):
            said = _original_address(orcpt) if orcpt else original_path
            found.setdefault(_key(said), []).append(recipient_id)
    return {ids[0]: originals[key] for key, ids in found.items() if key in originals and len(ids) == 1}


def match_complaint(report: FeedbackReport) -> list[int]:
    """The recipients of the queue who complain, whoever sent it: complaints go to the host, not to the sender."""
    told = report.rcpt_to or ((report.quoted.to,) if report.quoted.to else ())
    addresses = [key for each in told if (key := _key(each))]
    quoted = _quoted(report.quoted.message_id, report.envelope_id)
    with cursor() as sql:
        rows = sql.execute(BY_ADDRESS, quoted | {"addresses": addresses, "owner": None, "limit": MAX_FOUND})
        return [recipient_id for recipient_id, _ in rows]


def _quoted(message_id: str, envelope_id: str) -> dict[str, object]:
    """The envelope id stands in the queue as it came, in xtext (RFC 3461 section 4). What is not quoted is None: of
    "" Postgres thinks that much of the queue has it, and would read all of that."""
    envid = (
        _NOT_XCHAR.sub(lambda match: f"+{ord(match[0]):02X}", envelope_id) if envelope_id.isascii() else ""
    )
    return {"message_id": message_id[:MAX_MESSAGE_ID] or None, "envid": envid or None}


def _key(address: str) -> str:
    """As lower() of a forward-path: in its usual spelling, where it is an address."""
    try:
        return str(EmailAddress.parse(address, is_lenient=True)).lower()
    except AddressSyntaxError:
        return ""


def _original_address(orcpt: str) -> str:
    kind, _, address = orcpt.partition(";")
    return typed_address(f"{kind}; {address if kind.lower() == 'utf-8' else decode_xtext(address)}")
