"""From counts of tokens to one figure: Robinson's degree of belief in each token, Fisher's way of joining many.

Pure computation, after Gary Robinson, "A Statistical Approach to the Spam Problem" (2003), with the changes that are
said below; docs/spam.md says what was measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Robinson's s and x: how many messages' worth an assumption weighs against what was counted, and what is assumed of a
# token that was never seen. At 0.2 a token that stood in one message alone is heard, which is most of what little
# training knows.
STRENGTH = 0.2
ASSUMED = 0.5
# Tokens nearer to 0.5 than this tell nothing, and there are very many of them. Published: 0.1 to 0.375.
MIN_DEVIATION = 0.38
# An account's own counts begin from what the site believes, which weighs as so many messages that had the token: with
# one the site is nearly as good as the account, with ten it hardly matters.
SITE_STRENGTH = 1.0
# Of each kind, before a scope is heard at all: one verdict alone would make junk of all that has a word of it.
MIN_LESSONS = 10
UNDECIDED = 0.5
JUNK_FROM = 0.9  # the cut-off that the figures of docs/spam.md are for
MAX_REASONS = 4
LEAST = np.finfo(np.float64).tiny

Beliefs = NDArray[np.float64]


class Totals(NamedTuple):
    """Messages that were learned."""

    junk: int
    wanted: int

    @property
    def are_enough(self) -> bool:
        """Whether a scope with so many is heard."""
        return min(self) >= MIN_LESSONS


NONE_LEARNED = Totals(0, 0)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one scope has learned: of how many messages; and how many of them had each of the tokens that are judged.

    junk and wanted are as long as the tokens, in their order.
    """

    totals: Totals
    junk: NDArray[np.int64]
    wanted: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """0 is wanted, 1 is junk. Without training 0.5. Reasons in plain words, those that told most first."""

    score: float
    is_trained: bool
    reasons: tuple[str, ...] = ()

    @property
    def is_junk(self) -> bool:
        """At the cut-off that is recommended."""
        return self.score >= JUNK_FROM


UNTRAINED = Judgement(UNDECIDED, False)


def judge(tokens: Sequence[str], scopes: Sequence[Knowledge]) -> Judgement:
    """By what these scopes know, the most general first; each begins from what the one before it believes."""
    trained = [scope for scope in scopes if scope.totals.are_enough]
    if not trained:
        return UNTRAINED
    beliefs = _beliefs(len(tokens), trained)
    (telling,) = (np.abs(beliefs - ASSUMED) >= MIN_DEVIATION).nonzero()
    told = beliefs[telling]
    return Judgement(combine(told), True, _reasons(tokens, telling, told))


def _beliefs(count: int, scopes: Sequence[Knowledge]) -> Beliefs:
    """How much each token belongs to junk, 0 to 1; of one that nobody has seen what is assumed, which tells nothing."""
    beliefs, strengths = np.full(count, ASSUMED), np.full(count, STRENGTH)
    for scope in scopes:
        seen = scope.junk + scope.wanted
        in_junk = scope.junk / scope.totals.junk
        in_both = scope.wanted / scope.totals.wanted
        in_both += in_junk
        # Where nothing was seen nothing is weighed: what it is divided by is no matter there, but that it is not 0.
        ratios = in_junk / np.maximum(in_both, LEAST, out=in_both)
        beliefs = (strengths * beliefs + seen * ratios) / (strengths + seen)
        strengths[seen > 0] = SITE_STRENGTH
    return beliefs


def combine(beliefs: Beliefs) -> float:
    """One figure of many, 0 to 1; 0.5 for none. Each belief is above 0 and below 1.

    Fisher's test is made of both hypotheses, that such tokens are chance in wanted mail and that they are in junk.
    Robinson's (1 + H - S) / 2 of the two chances is 0.5 for every message in which both are nearly 0, and 1 for most
    junk: among those nothing is told apart. So the logarithms of both are compared, which are never out of digits.
    Tokens of one message are not independent, as Fisher has it, so that many of them prove too much: the difference is
    divided by the root of how many there are.
    """
    count = len(beliefs)
    if not count:
        return UNDECIDED
    for_junk = log_chi_square_tail(-float(np.log(beliefs).sum()), count)
    for_wanted = log_chi_square_tail(-float(np.log1p(-beliefs).sum()), count)
    evidence = (for_junk - for_wanted) / math.sqrt(count)
    if evidence >= 0:
        return 1 / (1 + math.exp(-evidence))
    power = math.exp(max(evidence, -700.0))
    return power / (1 + power)


def log_chi_square_tail(half: float, count: int) -> float:
    """The logarithm of the chance that chi-square with 2 * count degrees of freedom is above 2 * half.

    That is the sum of half ** k / k! for k below count, times e ** -half. It is summed from its largest term outwards,
    which is taken as a logarithm, until terms are too small to matter.
    """
    if half <= 0:
        return 0.0
    largest = min(int(half), count - 1)
    total = term = 1.0
    for k in range(largest, 0, -1):
        term *= k / half
        total += term
        if term < 1e-17 * total:
            break
    term = 1.0
    for k in range(largest + 1, count):
        term *= half / k
        total += term
        if term < 1e-17 * total:
            break
    return min(largest * math.log(half) - math.lgamma(largest + 1) - half + math.log(total), 0.0)


def _reasons(tokens: Sequence[str], telling: NDArray[np.intp], told: Beliefs) -> tuple[str, ...]:
    deviations = np.abs(told - ASSUMED)
    if len(told) > MAX_REASONS:  # those as strong as the weakest that is told; the rest need no order
        candidates = np.flatnonzero(deviations >= np.partition(deviations, -MAX_REASONS)[-MAX_REASONS])
    else:
        candidates = np.arange(len(told))
    strongest = sorted((-deviations[at], tokens[telling[at]], told[at]) for at in candidates)[:MAX_REASONS]
    return tuple(f"{describe(token)} ({belief:.0%} junk)" for _, token, belief in strongest)


_FIELDS = {
    "url": "a link with",
    "subject": "Subject with",
    "received": "a way over",
    "message-id": "Message-ID of",
    "type": "a part of type",
    "encoding": "the transfer encoding",
    "charset": "the charset",
    "disposition": "the disposition",
    "file": "an attachment named",
    "date": "Date with zone",
    "long": "a long word like",
}


def describe(token: str) -> str:
    """A token for people: `Subject with "winner"`."""
    kind, colon, rest = token.partition(":")
    if not colon:
        return f'the words "{token}"' if " " in token else f'the word "{token}"'
    return f'{_FIELDS.get(kind, f"{kind.title()} with")} "{rest}"'
