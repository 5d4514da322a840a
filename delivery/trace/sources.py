"""The three places in which a search looks, as SQL: what was brought, what is in the queue, what happened to it there.

Each statement reads rows newest first along an index, and no more than it is asked for. What is looked for by one thing
of several ("text") is one look for each of them; whose mail it is then filters. Where nothing is looked for, the newest
of each domain and of the account are read instead. Only names of our own and numbers are written into statements.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from delivery.models import RecipientState
from delivery.models.trace import Event, Outcome
from delivery.trace.asking import INBOUND_STATES, QUEUE_STATES, Asked, Scope, queue_id_of
from delivery.trace.outbound import SENDING_DOMAIN

SUBMITTER_DOMAIN: Final = "lower(split_part(reverse_path, '@', -1))"
TRIED: Final = (Event.DELIVERED, Event.DEFERRED, Event.BOUNCED, Event.EXPIRED)
MANY_DOMAINS: Final = 20
"""With more, what became of messages leads, and whose they are filters: what is rare would be looked for in each."""
QUEUE_SLACK: Final = 10_000
"""Ids of recipients and moments rise together, but for what is written at the same time."""

SAME_SUBJECT: Final = (
    "subject <> '' AND to_tsvector('simple', subject) @@ plainto_tsquery('simple', %({name})s)"
)


@dataclass(frozen=True, slots=True)
class Way:
    """One look: conditions that all hold. per_domain: they are about each of the scope's domains, `mine.domain`."""

    conditions: tuple[str, ...] = ()
    per_domain: bool = False


def inbound(asked: Asked, scope: Scope, *, limit: int) -> str:
    """Reads delivery_inboundtrace; "" where nothing in it can be meant."""
    outcomes = [INBOUND_STATES[each] for each in asked.states if each in INBOUND_STATES]
    if asked.states and not outcomes:
        return ""
    theirs = _seen_by_recipient("domain", "account_id", scope)
    shown = (
        "outcome" if scope.sees_all else f"CASE WHEN outcome = 1 AND NOT ({theirs}) THEN 0 ELSE outcome END"
    )
    columns = (
        f"id, at, reverse_path, forward_path, message_id, subject, peer, helo, tls, '' AS certificate,"
        f" ({shown})::text AS state, reply, '' AS cause, trace_id, session, NULL::bigint AS queue_id,"
        " NULL::timestamptz AS next_at, login <> '' AS is_ours, 0 AS failures, NULL::timestamptz AS tried_at"
    )
    filters = [*_moments(asked), *_fields(asked, "peer = %(address)s")]
    if scope.sees_all:
        keyed = asked.has_key or not outcomes
        ways = (
            _ways(_inbound_text(asked)) if keyed else [Way((f"outcome = {each.value}",)) for each in outcomes]
        )
        filters += [_among(outcomes)] if keyed and outcomes else []
    else:
        filters += [_masked(outcomes, theirs)] if outcomes else []
        came = f"outcome <> {Outcome.WAITING.value}"
        sides = [Way(("domain = mine.domain", came), True)] if scope.domains else []
        sides += [Way((f"{SUBMITTER_DOMAIN} = mine.domain", "login <> ''"), True)] if scope.domains else []
        if scope.account_id is not None:
            sides += [Way(("account_id = %(account_id)s", "account_id IS NOT NULL"))]
            sides += [Way(("login = %(login)s", "login <> ''"))] if scope.login else []
        ways = _within(asked, scope, sides, _inbound_text(asked))
    return _statement("delivery_inboundtrace", columns, ways, filters, limit=limit, before="inbound")


def outbound(asked: Asked, scope: Scope, *, limit: int) -> str:
    """Reads delivery_attempt; "" where nothing in it can be meant."""
    events = [each for each in Event if each.value in asked.states]
    if asked.states and not events:
        return ""
    columns = (
        "id, at, reverse_path, forward_path, message_id, subject, address AS peer, host AS helo, tls, certificate,"
        " outcome AS state, reply, cause, '' AS trace_id, '' AS session, queue_id,"
        " NULL::timestamptz AS next_at, true AS is_ours, 0 AS failures, NULL::timestamptz AS tried_at"
    )
    filters = [*_moments(asked), *_fields(asked, "(address = %(address)s OR lower(host) = %(address)s)")]
    texts = _outbound_text(asked)
    if scope.sees_all:
        keyed = asked.has_key or not events
        ways = _ways(texts) if keyed else [Way((f"outcome = '{each.value}'",)) for each in events]
        filters += [_words_among("outcome", events)] if keyed and events else []
    else:
        filters += [_words_among("outcome", events)] if events else []
        sides = []
        if scope.domains:
            sides += [Way(("sender_domain = mine.domain", "sender_domain <> ''"), True)]
            sides += [Way(("domain = mine.domain", _words_among("outcome", TRIED)), True)]
        if scope.account_id is not None:
            sides += [Way(("account_id = %(account_id)s", "account_id IS NOT NULL"))]
        ways = _within(asked, scope, sides, texts)
    return _statement("delivery_attempt", columns, ways, filters, limit=limit, before="outbound")


def queue(asked: Asked, scope: Scope, *, limit: int) -> str:
    """Reads what nobody has finished with, as it stands; "" where nothing in it can be meant."""
    states = [each for each in QUEUE_STATES if each.value in asked.states]
    if (asked.states and not states) or asked.address or asked.subject:
        return ""
    state = "CASE WHEN recipient.state = 'queued' AND destination.failures > 0 THEN 'deferred' ELSE recipient.state END"
    # A destination that fails puts off all that waits for it in its own row, and says what happened for all of them.
    fails = "destination.failures > 0 AND recipient.state IN ('queued', 'deferred')"
    columns = (
        "recipient.id, message.created_at AS at, message.reverse_path, recipient.forward_path,"
        " message.message_id_field, '' AS subject, '' AS peer, destination.name AS helo, '' AS tls, '' AS certificate,"
        f" {state} AS state, CASE WHEN {fails} THEN destination.last_reply ELSE recipient.last_reply END AS reply,"
        f" CASE WHEN {fails} AND destination.cause <> '' THEN destination.cause ELSE recipient.cause END AS cause,"
        " '' AS trace_id, '' AS session, message.id AS queue_id,"
        " CASE WHEN recipient.state = 'waiting' THEN message.release_at"
        f" WHEN {fails} THEN greatest(recipient.next_attempt_at, destination.next_attempt_at)"
        " WHEN recipient.state IN ('queued', 'deferred') THEN recipient.next_attempt_at END AS next_at,"
        f" true AS is_ours, CASE WHEN {fails} THEN destination.failures ELSE 0 END AS failures,"
        f" CASE WHEN {fails} THEN greatest(recipient.last_attempt_at, destination.last_attempt_at)"
        " ELSE recipient.last_attempt_at END AS tried_at"
    )
    filters = [_words_among("recipient.state", QUEUE_STATES), *_queue_moments(asked)]
    filters += [_standing(states)] if states else []
    filters += ["lower(message.reverse_path) = %(sender)s"] if asked.sender else []
    filters += ["lower(recipient.forward_path) = %(recipient)s"] if asked.recipient else []
    filters += ["message.message_id_field = %(message_id)s"] if asked.message_id else []
    if not scope.sees_all:
        to = "lower(split_part(recipient.forward_path, '@', -1))"
        due = _words_among("recipient.state", (RecipientState.QUEUED, RecipientState.DEFERRED))
        sides = [
            f"({SENDING_DOMAIN}) = ANY(%(domains)s::text[])",
            f"({to} = ANY(%(domains)s::text[]) AND {due})",
        ]
        sides = sides if scope.domains else []
        sides += ["message.account_id = %(account_id)s"] if scope.account_id is not None else []
        filters += [_any_of(sides)]
    return _statement(
        "delivery_queuedrecipient recipient JOIN delivery_queuedmessage message ON message.id = recipient.message_id"
        " JOIN delivery_destination destination ON destination.id = recipient.destination_id",
        columns,
        _ways(_queue_text(asked)),
        filters,
        limit=limit,
        order="recipient.id DESC",
        before="queue",
    )


# --- What is looked for -----------------------------------------------------------------------------------------------


def _inbound_text(asked: Asked) -> list[str] | None:
    if not asked.text:
        return None
    if "@" in asked.text:
        return [
            "lower(forward_path) = %(text)s",
            "lower(reverse_path) = %(text)s",
            "message_id = %(text_id)s AND message_id <> ''",
        ]
    return [
        "trace_id = %(text)s AND trace_id <> ''",
        "session = %(text)s",
        "peer = %(text)s",
        "domain = %(text)s",
        SAME_SUBJECT.format(name="text"),
    ]


def _outbound_text(asked: Asked) -> list[str] | None:
    if not asked.text:
        return None
    if "@" in asked.text:
        return _inbound_text(asked)
    if queue_id_of(asked.text) is not None:
        return ["queue_id = %(queue_id)s"]
    return [
        "address = %(text)s AND address <> ''",
        "lower(host) = %(text)s AND host <> ''",
        "domain = %(text)s",
        "sender_domain = %(text)s AND sender_domain <> ''",
        SAME_SUBJECT.format(name="text"),
    ]


def _queue_text(asked: Asked) -> list[str] | None:
    if not asked.text:
        return None
    if "@" in asked.text:
        return [
            "lower(recipient.forward_path) = %(text)s",
            "lower(message.reverse_path) = %(text)s",
            "message.message_id_field = %(text_id)s AND message.message_id_field <> ''",
        ]
    if queue_id_of(asked.text) is not None:
        return ["recipient.message_id = %(queue_id)s"]
    return ["destination.name = %(text)s"]


def _fields(asked: Asked, address: str) -> list[str]:
    wanted = (
        (asked.sender, "lower(reverse_path) = %(sender)s"),
        (asked.recipient, "lower(forward_path) = %(recipient)s"),
        (asked.message_id, "message_id = %(message_id)s AND message_id <> ''"),
        (asked.subject, SAME_SUBJECT.format(name="subject")),
        (asked.address, address),
    )
    return [condition for given, condition in wanted if given]


def _moments(asked: Asked) -> list[str]:
    since = ["at >= %(since)s"] if asked.since is not None else []
    return since + (["at < %(until)s"] if asked.until is not None else [])


def _queue_moments(asked: Asked) -> list[str]:
    """The moment itself, and the ids of that time, so that no others are read."""
    found = []
    if asked.since is not None:
        first = _recipient_at("created_at >= %(since)s ORDER BY created_at LIMIT 1", "min")
        found += ["message.created_at >= %(since)s", f"recipient.id >= coalesce({first} - {QUEUE_SLACK}, 0)"]
    if asked.until is not None:
        last = _recipient_at("created_at < %(until)s ORDER BY created_at DESC LIMIT 1", "max")
        found += ["message.created_at < %(until)s", f"recipient.id <= coalesce({last} + {QUEUE_SLACK}, 0)"]
    return found


def _recipient_at(which: str, end: str) -> str:
    message = f"(SELECT id FROM delivery_queuedmessage WHERE {which})"
    return f"(SELECT {end}(id) FROM delivery_queuedrecipient WHERE message_id = {message})"


# --- Whose it is ------------------------------------------------------------------------------------------------------


def _seen_by_recipient(domain: str, account_id: str, scope: Scope) -> str:
    sides = [f"{domain} = ANY(%(domains)s::text[])"] if scope.domains else []
    sides += [f"{account_id} IS NOT DISTINCT FROM %(account_id)s"] if scope.account_id is not None else []
    return _any_of(sides)


def _within(asked: Asked, scope: Scope, sides: Sequence[Way], texts: list[str] | None) -> list[Way]:
    """What the scope's sides have; where something is looked for that is rarer, that leads, and the sides filter."""
    leads = asked.has_key or (asked.states and len(scope.domains) > MANY_DOMAINS)
    if not leads:
        return list(sides)
    mine = _any_of([_of_any_domain(side) for side in sides])
    return [Way((each, mine)) for each in texts or ["true"]]


def _of_any_domain(side: Way) -> str:
    joined = " AND ".join(f"({each})" for each in side.conditions)
    return joined.replace("= mine.domain", "= ANY(%(domains)s::text[])")


# --- Statements -------------------------------------------------------------------------------------------------------


def _ways(texts: list[str] | None) -> list[Way]:
    return [Way((each,)) for each in texts or ["true"]]


def _standing(states: Sequence[RecipientState]) -> str:
    """What is queued for a destination that fails is put off with it."""
    plain = [each for each in states if each is not RecipientState.QUEUED]
    conditions = [_words_among("recipient.state", plain)] if plain else []
    if RecipientState.QUEUED in states:
        conditions.append("recipient.state = 'queued' AND destination.failures = 0")
    if RecipientState.DEFERRED in states:
        conditions.append("recipient.state = 'queued' AND destination.failures > 0")
    return _any_of(conditions)


def _any_of(conditions: Sequence[str]) -> str:
    return " OR ".join(f"({each})" for each in conditions) or "false"


def _among(outcomes: Sequence[Outcome]) -> str:
    return f"outcome IN ({', '.join(str(each.value) for each in outcomes)})" if outcomes else "false"


def _masked(outcomes: Sequence[Outcome], theirs: str) -> str:
    """Junk is Junk to whom it came, and accepted to whoever sent it."""
    plain = [each for each in outcomes if each is not Outcome.JUNK]
    conditions = [_among(plain)] if plain else []
    if Outcome.JUNK in outcomes:
        conditions.append(f"outcome = {Outcome.JUNK.value} AND ({theirs})")
    if Outcome.ACCEPTED in outcomes:
        conditions.append(f"outcome = {Outcome.JUNK.value} AND NOT ({theirs})")
    return _any_of(conditions)


def _words_among(expression: str, words: Sequence[Event | RecipientState]) -> str:
    return f"{expression} IN ({', '.join(repr(each.value) for each in words)})"


def _statement(
    table: str,
    columns: str,
    ways: Sequence[Way],
    filters: Sequence[str],
    *,
    limit: int,
    before: str,
    order: str = "at DESC, id DESC",
) -> str:
    if not ways:
        return ""
    place = {
        "queue": "recipient.id < %(queue_before)s",
        "inbound": "(at, id) < (%(inbound_at)s, %(inbound_id)s)",
        "outbound": "(at, id) < (%(outbound_at)s, %(outbound_id)s)",
    }[before]
    looks = []
    for way in ways:
        where = " AND ".join(f"({each})" for each in (*way.conditions, *filters, place))
        look = f"(SELECT {columns} FROM {table} WHERE {where} ORDER BY {order} LIMIT {limit})"
        domains = "unnest(%(domains)s::text[]) mine(domain)"
        looks.append(
            f"SELECT found.* FROM {domains} CROSS JOIN LATERAL {look} found" if way.per_domain else look
        )
    last = "id DESC" if before == "queue" else "at DESC, id DESC"
    return f"SELECT * FROM ({' UNION ALL '.join(looks)}) looks ORDER BY {last} LIMIT {limit * len(looks)}"
