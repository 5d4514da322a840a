"""What became of one message, from the moment it was brought here to the last notice: as far as one may see it.

A message is what has one Message-ID: what was brought twice, or sent on by an alias, is told together. Without one it
is what has the id that was asked for.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from delivery.findings import Action
from delivery.models import QueuedRecipient, RecordedVerdict
from delivery.trace.asking import Asked, Scope, as_message_id, cleaned
from delivery.trace.notices import Notice, read_notices
from delivery.trace.searching import Found, find

MAX_STEPS: Final = 500  # the newest ones: a message to thousands is told as far
MAX_VERDICTS: Final = 50
MAX_ALIASES: Final = 1_000


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the filters said of a message for one account. findings: text and points, what weighs most first.

    trace_id: of the message as it was brought then.
    """

    trace_id: str
    login: str
    action: Action
    score: float
    findings: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened at one moment, to one recipient or, alike, to several. original_paths: the aliases that
    lead to these, as far as the queue knows still."""

    row: Found
    forward_paths: tuple[str, ...]
    original_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """steps: from the first to the last. standing: what is in the queue now. judgements: those that one may see.
    notices: what was told, by number, as far as it is kept (notices.py).

    is_cut: there are more steps before these.
    """

    message_id: str
    subject: str
    reverse_paths: tuple[str, ...]
    forward_paths: tuple[str, ...]
    steps: tuple[Step, ...]
    standing: tuple[Found, ...]
    judgements: tuple[Judgement, ...]
    notices: Mapping[int, Notice]
    is_cut: bool


def read_timeline(which: str, scope: Scope, *, now: datetime) -> Timeline | None:
    """Of the message that is meant by its Message-ID, a trace id, or the queue's id ("Q17"); None where nothing that
    the scope may see is known of it (any more).
    """
    which = cleaned(which)
    if not which:
        return None
    if which.startswith("<") or "@" in which:
        message_ids = [as_message_id(which)]
        rows: dict[tuple[str, int], Found] = {}
        is_cut = False
    else:
        page = find(Asked(text=which), scope, limit=MAX_STEPS, now=now)
        named = [row for row in page.rows if _is_named(row, which)]
        rows, is_cut = {(row.source, row.id): row for row in named}, bool(page.following)
        message_ids = sorted({row.message_id for row in named} - {""})[:1]
    for message_id in message_ids:
        page = find(Asked(message_id=message_id), scope, limit=MAX_STEPS, now=now)
        rows |= {(row.source, row.id): row for row in page.rows}
        is_cut |= bool(page.following)
    return _told(list(rows.values()), scope, is_cut=is_cut) if rows else None


def key_of(row: Found) -> str:
    """By what a row's message is asked for; "" where it has no name."""
    if row.message_id:
        return row.message_id
    return row.trace_id or (f"Q{row.queue_id}" if row.queue_id is not None else "")


def _is_named(row: Found, which: str) -> bool:
    """The search finds more by the same text: an address, a domain, a word of a subject."""
    return which.lower() in (row.trace_id, f"q{row.queue_id}")


def _told(rows: Sequence[Found], scope: Scope, *, is_cut: bool) -> Timeline:
    rows = sorted(rows, key=lambda row: (row.at, row.source != "inbound", row.id))
    return Timeline(
        message_id=next((row.message_id for row in rows if row.message_id), ""),
        subject=next((row.subject for row in rows if row.subject), ""),
        reverse_paths=_once(row.reverse_path for row in rows),
        forward_paths=_once(row.forward_path for row in rows if row.forward_path),
        steps=tuple(_together([row for row in rows if row.source != "queue"])),
        standing=tuple(row for row in rows if row.source == "queue"),
        judgements=_judgements({row.trace_id for row in rows if row.trace_id}, scope),
        notices=read_notices(rows, scope),
        is_cut=is_cut,
    )


def _together(rows: Sequence[Found]) -> list[Step]:
    """What happened to several at the same moment in the same way is one step."""
    steps: dict[tuple[object, ...], list[Found]] = {}
    for row in rows:
        alike = (row.source, row.at, row.state, row.reply, row.peer, row.name, row.session, row.queue_id)
        steps.setdefault(alike, []).append(row)
    aliases = _aliases({row.queue_id for row in rows if row.queue_id is not None})
    return [
        Step(
            alike[0],
            _once(row.forward_path for row in alike),
            _once(aliases[key] for row in alike if (key := (row.queue_id, row.forward_path)) in aliases),
        )
        for alike in steps.values()
    ]


def _aliases(queue_ids: Collection[int]) -> dict[tuple[int | None, str], str]:
    """By message and forward-path."""
    rows = QueuedRecipient.objects.filter(message_id__in=queue_ids).exclude(original_path="")
    found = rows.values_list("message_id", "forward_path", "original_path")[:MAX_ALIASES] if queue_ids else ()
    return {(queue_id, forward_path): original for queue_id, forward_path, original in found}


def _judgements(trace_ids: set[str], scope: Scope) -> tuple[Judgement, ...]:
    """Those about mail that came for somebody whose mail the scope sees: never what a filter said of what it sent."""
    if not trace_ids:
        return ()
    rows = RecordedVerdict.objects.filter(trace_id__in=trace_ids).select_related("account").order_by("pk")
    if not scope.sees_all:
        own = Q(account__address__domain__name__in=scope.domains)
        if scope.account_id is not None:
            own |= Q(account_id=scope.account_id)
        rows = rows.filter(own)
    return tuple(
        Judgement(
            row.trace_id,
            row.account.login,
            Action(row.action),
            row.score,
            tuple((each["text"], each.get("score", 0.0)) for each in row.findings),
        )
        for row in rows[:MAX_VERDICTS]
    )


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
