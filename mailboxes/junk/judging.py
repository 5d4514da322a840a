"""Asking the counts of an account and of the whole site about one message.

Listeners keep the site's counts in memory (site_counts.py) and ask the database only for accounts that have taught
something themselves; whoever asks seldom has both in one statement.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mailboxes.junk.classifier import (
    MIN_LESSONS,
    NONE_LEARNED,
    UNTRAINED,
    Judgement,
    Knowledge,
    Totals,
    judge,
)
from mailboxes.junk.site_counts import SiteCounts
from mailboxes.junk.tokens import MAX_TOKENS, hashes_of, tokens_of
from mailboxes.models import SITE, JunkTotal
from mailhost.net.database import cursor
from mailhost.protocols.message.scanner import Part

ASK = """
SELECT scope, NULL::bigint, junk, wanted FROM mailboxes_junktotal WHERE scope = ANY(%(scopes)s::bigint[])
UNION ALL
SELECT scope, token, junk, wanted FROM mailboxes_junkcount
 WHERE token = ANY(%(hashes)s::bigint[]) AND scope = ANY(%(scopes)s::bigint[])
"""


def classify(
    account_ids: Collection[int], message: bytes | Sequence[str], *, site: SiteCounts | None = None
) -> dict[int, Judgement]:
    """What each of these accounts would say of a message, its octets or its tokens (tokens_of).

    Deliveries to many ask once. Without site it is read too. Octets take milliseconds to be read.
    """
    tokens = tokens_of(message) if isinstance(message, bytes) else message[:MAX_TOKENS]
    hashes = hashes_of(tokens)
    known = _read({*account_ids} if site else {SITE, *account_ids}, hashes)
    of_all = site.knowledge(hashes) if site else known[SITE]
    return {account_id: judge(tokens, [of_all, known[account_id]]) for account_id in account_ids}


def classify_by_site(octets: bytes, site: SiteCounts, root: Part | None = None) -> Judgement:
    """What all accounts have taught together says of a message; no statement. root: as for tokens_of."""
    if not site.totals.are_enough:
        return UNTRAINED
    tokens = tokens_of(octets, root)
    return judge(tokens, [site.knowledge(hashes_of(tokens))])


def _read(scopes: Collection[int], hashes: NDArray[np.int64]) -> Mapping[int, Knowledge]:
    order = np.argsort(hashes)
    in_order = hashes[order]
    parameters = {"scopes": sorted(scopes), "hashes": in_order.tolist()}
    totals: dict[int, Totals] = {}
    found: dict[int, list[tuple[int, int, int]]] = {scope: [] for scope in scopes}
    with cursor() as sql:
        for scope, token, junk, wanted in sql.execute(ASK, parameters):
            if token is None:
                totals[scope] = Totals(junk, wanted)
            else:
                found[scope].append((token, junk, wanted))
    return {
        scope: _knowledge(totals.get(scope, NONE_LEARNED), rows, in_order, order)
        for scope, rows in found.items()
    }


def _knowledge(
    totals: Totals, rows: list[tuple[int, int, int]], in_order: NDArray[np.int64], order: NDArray[np.intp]
) -> Knowledge:
    junk, wanted = np.zeros((2, len(order)), np.int64)
    if rows:
        tokens, in_junk, in_wanted = np.array(rows, np.int64).T
        places = order[np.searchsorted(in_order, tokens)]
        junk[places], wanted[places] = in_junk, in_wanted
    return Knowledge(totals, junk, wanted)


def missing_lessons() -> Totals:
    """How many of each kind this host has to learn yet before anything is heard of it; none: it is trained."""
    total = JunkTotal.objects.filter(scope=SITE).first()
    learned = Totals(total.junk, total.wanted) if total else NONE_LEARNED
    return Totals(*(max(0, MIN_LESSONS - count) for count in learned))
