"""Content that nothing shows any more, and the journal's end."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from mailboxes.models import Content
from mailhost.net.database import cursor

# In each mailbox only what is older than all that stays: what is left of the journal has no gaps (changes.py). So a
# look at its oldest row says whether there is anything to remove, and nothing has to be indexed by time: that would
# cost every MOVE and EXPUNGE a tenth more.
REMOVE_EXPIRED = """
WITH edge AS (
    SELECT mailbox.id AS mailbox_id,
           (SELECT min(modseq) FROM mailboxes_expunged
             WHERE mailbox_id = mailbox.id AND expunged_at >= %(limit)s) AS first_kept
      FROM mailboxes_mailbox mailbox,
           LATERAL (SELECT expunged_at FROM mailboxes_expunged
                     WHERE mailbox_id = mailbox.id ORDER BY modseq LIMIT 1) oldest
     WHERE oldest.expunged_at < %(limit)s
)
DELETE FROM mailboxes_expunged expunged USING edge
 WHERE expunged.mailbox_id = edge.mailbox_id AND (first_kept IS NULL OR modseq < first_kept)
"""
UNREFERENCED_FOR = timedelta(hours=1)  # a transaction that stores a reference lasts far shorter
CONTENTS_AT_ONCE = 1_000


def remove_expired(*, now: datetime) -> int:
    """Removes expunged messages whose retention is over; how many."""
    limit = now - timedelta(seconds=settings.EXPUNGED_RETENTION_SECONDS)
    with cursor() as sql:
        return sql.execute(REMOVE_EXPIRED, {"limit": limit}).rowcount


def remove_unreferenced(*, now: datetime) -> int:
    """Removes contents older than an hour that no row of any table refers to; how many."""
    contents = Content.objects.filter(created_at__lt=now - UNREFERENCED_FOR)
    for model, column in _referring():
        contents = contents.exclude(Exists(model._default_manager.filter(**{column: OuterRef("pk")})))
    # Found in one look (a hash of every reference, 1 microsecond for each), and removed in short transactions. New
    # references are made from old ones alone, so what has none gets none meanwhile.
    ids = list(contents.values_list("pk", flat=True))
    removed = 0
    for start in range(0, len(ids), CONTENTS_AT_ONCE):
        removed += Content.objects.filter(pk__in=ids[start : start + CONTENTS_AT_ONCE]).delete()[0]
    return removed


def _referring() -> list[tuple[type[models.Model], str]]:
    """Every model with a column that refers to Content, also those of apps above this one."""
    return [
        (field.related_model, field.field.attname)
        for field in Content._meta.get_fields(include_hidden=True)
        if isinstance(field, models.ManyToOneRel) and isinstance(field.related_model, type)
    ]
