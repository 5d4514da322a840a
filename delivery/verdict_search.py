"""Finding verdicts by whatever is known of a message, without reading all of them."""

from typing import Final

from django.db.models import Q, QuerySet

from delivery import trace
from delivery.models import RecordedVerdict
from mailboxes.models import Account

MAX_TRACES: Final = 500  # the newest that the trace finds: who looks for more has not said enough


def search_verdicts(text: str) -> "QuerySet[RecordedVerdict]":
    """Newest first: those of an account (its login), a trace id, a content's number, a verdict's own number (#7).

    Also those of messages that the trace finds by this text: sender, recipient, Message-ID, client, session, for as
    long as it is kept. Each is a look into an index.
    """
    folded = text.strip().lower()
    wanted = Q(trace_id=folded) | Q(trace_id=text.strip())
    traces = trace.search(text=text).exclude(trace_id="").values_list("trace_id", flat=True)[:MAX_TRACES]
    wanted |= Q(trace_id__in=set(traces))
    accounts = list(Account.objects.filter(login=folded).values_list("pk", flat=True))
    if accounts:
        wanted |= Q(account_id__in=accounts)
    number = folded.removeprefix("#")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        wanted |= Q(pk=int(number)) if folded.startswith("#") else Q(content_id=int(number))
    return RecordedVerdict.objects.filter(wanted).order_by("-pk")
