"""The end of mailboxes that were deleted: their rows go once nobody needs them any more."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from mailboxes.models import Expunged, Mailbox

MAILBOXES_AT_ONCE = 1_000


def remove_deleted_mailboxes(*, now: datetime) -> int:
    """Removes mailboxes that were deleted longer ago than expunged messages are kept; how many.

    What stays: those with messages that can still be taken back; those that keep a subscription (RFC 9051 section
    6.3.7: it outlives the mailbox); of each account the one with the highest UIDVALIDITY, above which new ones begin
    (section 2.3.1.1), whatever the clock does.
    """
    removable = _removable(before=now - timedelta(seconds=settings.EXPUNGED_RETENTION_SECONDS))
    removed = 0
    while ids := list(removable.values_list("pk", flat=True)[:MAILBOXES_AT_ONCE]):
        # Looked at once more: a mailbox may have been subscribed to meanwhile.
        _, by_model = removable.filter(pk__in=ids).delete()
        gone = by_model.get("mailboxes.Mailbox", 0)
        removed += gone
        if gone < len(ids):
            break
    return removed


def _removable(*, before: datetime) -> "QuerySet[Mailbox]":
    newer = Mailbox.objects.filter(
        account_id=OuterRef("account_id"), uid_validity__gt=OuterRef("uid_validity")
    )
    return (
        Mailbox.objects.filter(Exists(newer), deleted_at__lt=before, is_subscribed=False)
        .exclude(Exists(Expunged.objects.filter(mailbox_id=OuterRef("pk"))))
        .order_by("pk")
    )
