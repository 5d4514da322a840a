"""Limits that an account has of its own."""

from collections.abc import Mapping

from django.db import transaction

from delivery.models import SubmissionLimits
from delivery.submission.limits import MEASURES, WINDOWS
from mailboxes.models import Account
from mailhost.audit.trail import record

COLUMNS = tuple(f"{measure}_per_{window}" for measure in MEASURES for window, _ in WINDOWS)


@transaction.atomic
def set_limits(*, account_id: int, limits: Mapping[str, int | None], by: str) -> SubmissionLimits:
    """Sets those of COLUMNS that are given: a number, 0 for no limit, None for the settings'."""
    login = Account.objects.values_list("login", flat=True).get(pk=account_id)
    row, _ = SubmissionLimits.objects.update_or_create(
        account_id=account_id, defaults={column: limits[column] for column in COLUMNS if column in limits}
    )
    record(by=by, verb="submission limits set", subject=login, **limits)
    return row


@transaction.atomic
def remove_limits(*, account_id: int, by: str) -> None:
    """From now on it is as the settings say."""
    login = Account.objects.values_list("login", flat=True).get(pk=account_id)
    if SubmissionLimits.objects.filter(account_id=account_id).delete()[0]:
        record(by=by, verb="submission limits removed", subject=login)
