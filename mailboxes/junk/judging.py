"""Asking the counts of an account and of the whole site about one message, in one statement."""

from collections.abc import Collection, Sequence

from mailboxes.junk.classifier import MIN_LESSONS, NEVER, Counts, Judgement, Knowledge, judge
from mailboxes.junk.tokens import MAX_TOKENS, hash_of, tokens_of
from mailboxes.models import SITE, JunkTotal
from mailhost.net.database import cursor

ASK = """
SELECT scope, NULL::bigint, junk, wanted FROM mailboxes_junktotal WHERE scope = ANY(%(scopes)s::bigint[])
UNION ALL
SELECT scope, token, junk, wanted FROM mailboxes_junkcount
 WHERE token = ANY(%(hashes)s::bigint[]) AND scope = ANY(%(scopes)s::bigint[])
"""


def classify(account_ids: Collection[int], message: bytes | Sequence[str]) -> dict[int, Judgement]:
    """What each of these accounts would say of a message, its octets or its tokens (tokens_of).

    Deliveries to many ask once. Octets take milliseconds to be read: not in an event loop.
    """
    tokens = tokens_of(message) if isinstance(message, bytes) else message[:MAX_TOKENS]
    hashes = {token: hash_of(token) for token in tokens}
    parameters = {"scopes": sorted({SITE, *account_ids}), "hashes": sorted(set(hashes.values()))}
    totals: dict[int, Counts] = {}
    found: dict[int, dict[int, Counts]] = {}
    with cursor() as sql:
        for scope, token, junk, wanted in sql.execute(ASK, parameters):
            if token is None:
                totals[scope] = Counts(junk, wanted)
            else:
                found.setdefault(scope, {})[token] = Counts(junk, wanted)

    def knowledge(scope: int) -> Knowledge:
        counts = found.get(scope, {})
        by_token = {token: counts[number] for token, number in hashes.items() if number in counts}
        return Knowledge(totals.get(scope, NEVER), by_token)

    site = knowledge(SITE)
    return {account_id: judge(tokens, [site, knowledge(account_id)]) for account_id in account_ids}


def missing_lessons() -> Counts:
    """How many of each kind this host has to learn yet before anything is heard of it; NEVER: it is trained."""
    total = JunkTotal.objects.filter(scope=SITE).first()
    junk, wanted = (total.junk, total.wanted) if total else NEVER
    return Counts(max(0, MIN_LESSONS - junk), max(0, MIN_LESSONS - wanted))
