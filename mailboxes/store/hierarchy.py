"""The mailboxes of an account: list, create, delete, rename, subscribe (RFC 9051 sections 6.3.4 to 6.3.9)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet, Value
from django.db.models.functions import Concat, Substr

from mailboxes.exceptions import (
    InboxIsPermanent,
    MailboxExists,
    MailboxHasInferiors,
    MailboxNameInvalid,
    MailboxNotFound,
    SpecialUseRefused,
    TooManyMailboxes,
)
from mailboxes.models import Annotation, Grant, Mailbox
from mailboxes.store.copy_and_move import move_all
from mailboxes.store.expunge import empty
from mailboxes.store.grants import inherit_grants
from mailboxes.store.locks import (
    announce_names_on_commit,
    announce_on_commit,
    lock_mailboxes,
    lock_usage,
)
from mailboxes.store.mailbox_names import INBOX, SEPARATOR, canonical_name, own_name, sought
from mailboxes.store.special_use import chosen_use
from mailboxes.store.values import MailboxEntry
from mailhost.net.database import cursor

UNNAMED = "\x01"  # before a name that is about to change: no name that anybody gives has a control in it
# RFC 6154. INBOX has none.
DEFAULT_MAILBOXES = {
    INBOX: "",
    "Drafts": "\\Drafts",
    "Sent": "\\Sent",
    "Junk": "\\Junk",
    "Trash": "\\Trash",
    "Archive": "\\Archive",
}

ENTRY_COLUMNS = """id, account_id, name, uid_validity, uid_next, highest_modseq, flags_modseq, first_recent_uid,
       special_use, is_subscribed, deleted_at IS NULL, message_count, unseen_count, deleted_count, size_octets"""
LIST = f"""
SELECT DISTINCT ON (name) {ENTRY_COLUMNS}
  FROM mailboxes_mailbox
 WHERE account_id = %s AND (deleted_at IS NULL OR is_subscribed)
 ORDER BY name, deleted_at DESC NULLS FIRST
"""
FIND = f"""
SELECT {ENTRY_COLUMNS} FROM mailboxes_mailbox WHERE account_id = %s AND name = %s AND deleted_at IS NULL
"""


# RFC 5464 section 4.1: INBOX keeps its own when it is renamed.
COPY_ANNOTATIONS = """
INSERT INTO mailboxes_annotation (mailbox_id, account_id, entry, value)
SELECT %s, account_id, entry, value FROM mailboxes_annotation WHERE mailbox_id = %s
"""


def list_mailboxes(*, account_id: int) -> list[MailboxEntry]:
    """All mailboxes by name, and names that are subscribed though their mailbox was deleted."""
    with cursor() as sql:
        sql.execute(LIST, (account_id,))
        return [MailboxEntry(*row) for row in sql]


def find_mailbox(*, account_id: int, name: str) -> MailboxEntry:
    """The mailbox of this name, with its counts. Raises MailboxNotFound."""
    name = sought(name)
    with cursor() as sql:
        row = sql.execute(FIND, (account_id, name)).fetchone()
    if row is None:
        raise MailboxNotFound(name)
    return MailboxEntry(*row)


def create_default_mailboxes(*, account_id: int, now: datetime) -> None:
    """What every new account has, subscribed, in the caller's transaction."""
    Mailbox.objects.bulk_create(
        Mailbox(
            account_id=account_id,
            name=name,
            special_use=special_use,
            is_subscribed=True,
            uid_validity=int(now.timestamp()) + number,
        )
        for number, (name, special_use) in enumerate(DEFAULT_MAILBOXES.items())
    )


@transaction.atomic
def create_mailbox(*, account_id: int, name: str, special_use: str = "", now: datetime) -> MailboxEntry:
    """Makes the mailbox, and the superior ones that are missing (RFC 9051 section 6.3.4).

    Raises MailboxExists, MailboxNameInvalid, TooManyMailboxes.
    """
    name = own_name(name)
    lock_usage([account_id])
    _create(account_id, name, special_use, now)
    return find_mailbox(account_id=account_id, name=name)


@transaction.atomic
def delete_mailbox(*, account_id: int, name: str, now: datetime) -> int:
    """Deletes the mailbox: its row stays, its messages can be taken back for a while. Inferior ones stay. Its id.

    Raises MailboxNotFound, MailboxHasInferiors, InboxIsPermanent.
    """
    # Names are looked up under the lock that every change of them takes: what is found still has the name then.
    usage = lock_usage([account_id])[account_id]
    name = sought(name)
    try:
        entry = find_mailbox(account_id=account_id, name=name)
    except MailboxNotFound:
        if _family(account_id, name):  # RFC 3501 section 6.3.4: a name that is \Noselect
            raise MailboxHasInferiors(name) from None
        raise
    if entry.name == INBOX:
        raise InboxIsPermanent
    mailbox = lock_mailboxes([entry.mailbox_id])[entry.mailbox_id]
    empty(mailbox, usage, now=now)
    announce_names_on_commit(account_id, [entry.mailbox_id])  # also to those whose rights go with it
    # They go with the mailbox: RFC 4314 section 4, RFC 5464 section 4.1.
    Grant.objects.filter(mailbox_id=entry.mailbox_id).delete()
    Annotation.objects.filter(mailbox_id=entry.mailbox_id).delete()
    # One more modseq, also for an empty one: whoever polls for it looks.
    Mailbox.objects.filter(pk=entry.mailbox_id).update(
        deleted_at=now, special_use="", highest_modseq=mailbox.highest_modseq + 1
    )
    announce_on_commit([entry.mailbox_id])
    return entry.mailbox_id


@transaction.atomic
def rename_mailbox(*, account_id: int, name: str, to: str, now: datetime) -> None:
    """Renames a mailbox with its inferior ones. INBOX stays, and its messages go (RFC 9051 section 6.3.6).

    A name that only has inferiors can be renamed too: they are what moves then.
    Raises MailboxNotFound, MailboxExists, MailboxNameInvalid, TooManyMailboxes.
    """
    to = own_name(to)
    usage = lock_usage([account_id])[account_id]
    name = sought(name)
    if name == INBOX:
        inbox = find_mailbox(account_id=account_id, name=INBOX)
        created = _create(account_id, to, "", now)
        move_all(from_mailbox_id=inbox.mailbox_id, to_mailbox_id=created, usage=usage, now=now)
        with cursor() as sql:
            sql.execute(COPY_ANNOTATIONS, (created, inbox.mailbox_id))
        return
    family = _family(account_id, name)
    if not family:
        raise MailboxNotFound(name)
    if (to + SEPARATOR).startswith(name + SEPARATOR) and to != name:
        raise MailboxNameInvalid("A mailbox cannot be renamed into itself.")
    living = Mailbox.objects.filter(account_id=account_id, deleted_at=None)
    if living.filter(name=to).exists():
        raise MailboxExists(to)
    _rename_family(account_id, family, name, to)
    superior = to.rpartition(SEPARATOR)[0]
    if superior and not living.filter(name=superior).exists():
        _create(account_id, superior, "", now)


def _family(account_id: int, name: str) -> dict[int, str]:
    """The mailbox of this canonical name, if there is one, and all inferior ones, locked: names by id."""
    family = (
        Mailbox.objects.select_for_update(no_key=True)
        .filter(account_id=account_id, deleted_at=None, name__startswith=name)
        .order_by("pk")
        .values_list("pk", "name")
    )
    return {pk: each for pk, each in family if (each + SEPARATOR).startswith(name + SEPARATOR)}


def _rename_family(account_id: int, family: Mapping[int, str], name: str, to: str) -> None:
    """Gives locked mailboxes their new names. Raises MailboxExists, MailboxNameInvalid."""
    renamed = {pk: canonical_name(to + each[len(name) :]) for pk, each in family.items()}
    old_names, new_names = set(family.values()), set(renamed.values())
    living = Mailbox.objects.filter(account_id=account_id, deleted_at=None)
    conflict = living.filter(name__in=new_names - (old_names if to != name else set()))
    if existing := conflict.values_list("name", flat=True).first():
        raise MailboxExists(existing)
    rows = Mailbox.objects.filter(pk__in=list(family))
    kept = len(name)
    if old_names & new_names:  # a/b to a, where a/b/b is: no name twice at any moment
        rows.update(name=Concat(Value(UNNAMED), "name"))
        kept += len(UNNAMED)
    rows.update(name=Concat(Value(to), Substr("name", kept + 1)))
    subscribed = _take_subscriptions(account_id, new_names)
    if subscribed:
        rows.filter(name__in=subscribed).update(is_subscribed=True)
    announce_names_on_commit(account_id, family)


@transaction.atomic
def set_subscribed(*, account_id: int, name: str, is_subscribed: bool) -> None:
    """Subscribes or unsubscribes a name. A deleted mailbox's name can still be unsubscribed.

    Raises MailboxNotFound, MailboxNameInvalid.
    """
    name = canonical_name(name)
    lock_usage([account_id])
    rows = Mailbox.objects.filter(account_id=account_id, name=name)
    if is_subscribed:
        rows = rows.filter(deleted_at=None)
    if not rows.update(is_subscribed=is_subscribed):
        raise MailboxNotFound(name)
    announce_names_on_commit(account_id)


def change_special_use(entry: MailboxEntry, uses: str) -> None:
    """Gives a mailbox another special use, or none, in the transaction of a caller who holds the usage lock.

    Raises SpecialUseRefused.
    """
    special_use = chosen_use(uses.split())
    if special_use and entry.name == INBOX:
        raise SpecialUseRefused("INBOX has a use already.")
    others = Mailbox.objects.filter(account_id=entry.account_id).exclude(pk=entry.mailbox_id)
    _refuse_second(others, special_use)
    Mailbox.objects.filter(pk=entry.mailbox_id).update(special_use=special_use)


def _refuse_second(mailboxes: "QuerySet[Mailbox]", special_use: str) -> None:
    if special_use and mailboxes.filter(special_use=special_use).exists():
        raise SpecialUseRefused(f"There is a mailbox for {special_use} already.")


def _create(account_id: int, name: str, special_use: str, now: datetime) -> int:
    """Inserts the mailbox and its missing superiors under the account's usage lock; the mailbox's id."""
    alive = set(Mailbox.objects.filter(account_id=account_id, deleted_at=None).values_list("name", flat=True))
    if name in alive:
        raise MailboxExists(name)
    levels = name.split(SEPARATOR)
    missing = [SEPARATOR.join(levels[:depth]) for depth in range(1, len(levels) + 1)]
    missing = [each for each in missing if each not in alive]
    if len(alive) + len(missing) > settings.MAX_MAILBOXES:
        raise TooManyMailboxes(f"An account has at most {settings.MAX_MAILBOXES} mailboxes.")
    _refuse_second(Mailbox.objects.filter(account_id=account_id), special_use)
    return _insert(account_id, missing, special_use=special_use, now=now)


def _take_subscriptions(account_id: int, names: Collection[str]) -> set[str]:
    """Those of the names that deleted mailboxes have kept subscribed: from now on living ones are to."""
    kept = Mailbox.objects.filter(
        account_id=account_id, deleted_at__isnull=False, is_subscribed=True, name__in=names
    )
    subscribed = set(kept.values_list("name", flat=True))
    if subscribed:
        kept.update(is_subscribed=False)
    return subscribed


def _insert(account_id: int, names: Sequence[str], *, special_use: str, now: datetime) -> int:
    """Makes mailboxes of these names, the last one with its special use; that one's id."""
    was_subscribed = _take_subscriptions(account_id, names)
    # UIDVALIDITY only grows within the account, so a name that comes back never has an old one (RFC 9051
    # section 2.3.1.1), whatever the clock does.
    last = Mailbox.objects.filter(account_id=account_id).aggregate(last=Max("uid_validity"))["last"] or 0
    first = max(int(now.timestamp()), last + 1)
    rows = [
        Mailbox(
            account_id=account_id,
            name=name,
            uid_validity=first + number,
            special_use=special_use if name == names[-1] else "",
            is_subscribed=name in was_subscribed,
        )
        for number, name in enumerate(names)
    ]
    try:
        with transaction.atomic():
            Mailbox.objects.bulk_create(rows)
    except IntegrityError:
        raise MailboxExists(names[-1]) from None
    for row in rows:
        inherit_grants(account_id=account_id, mailbox_id=row.pk, name=row.name)
    announce_names_on_commit(account_id, [row.pk for row in rows])
    return rows[-1].pk


def sent_mailbox(*, account_id: int) -> int | None:
    """The mailbox where copies of sent mail go (RFC 6154), by its use or else by its name."""
    living = Mailbox.objects.filter(account_id=account_id, deleted_at=None)
    by_use = living.filter(special_use="\\Sent").values_list("pk", flat=True).first()
    return by_use or living.filter(name="Sent").values_list("pk", flat=True).first()
