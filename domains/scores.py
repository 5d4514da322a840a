"""From how many points on mail goes to Junk, is held back or is refused: what a domain or an account may say."""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple, TypedDict

from django.conf import settings

from domains.exceptions import ScoreInvalid

# Below the first one, mail that has nothing against it would go. The last one stays well below the 100 points of a
# sender who is refused (delivery/filters/policies.py), or refusing somebody would do nothing.
MIN_SCORE: Final = 1.0
MAX_SCORE: Final = 50.0
NEVER: Final = 0.0  # of quarantine and refusal, as in the host's settings


NAMES: Final = ("junk_score", "quarantine_score", "refuse_score")  # from mild to strict
_BEGINS: Final = {"junk_score": "Junk", "quarantine_score": "Quarantine"}
_DONE: Final = {"quarantine_score": "held in quarantine", "refuse_score": "refused"}
ZERO: Final = {
    "junk_score": "",
    "quarantine_score": " 0: never for points.",
    "refuse_score": " 0: never for points.",
}


class InForce(NamedTuple):
    """A number of points that holds, and which of the rows that were asked says so; as many as there are: the host."""

    score: float
    level: int


class Scores(TypedDict, total=False):
    """None: as the level above says; left out: as it is."""

    junk_score: float | None
    quarantine_score: float | None
    refuse_score: float | None


def checked_scores(scores: Scores) -> Mapping[str, float | None]:
    """The same numbers. Raises ScoreInvalid."""
    given: Mapping[str, float | None] = {**scores}  # type: ignore[dict-item]  # a TypedDict's values count as objects
    for name, value in given.items():
        is_never = value == NEVER and name != "junk_score"
        if value is not None and not is_never and not MIN_SCORE <= value <= MAX_SCORE:
            words = name.replace("_", " ").capitalize()
            never = "" if name == "junk_score" else "0 (never), or "
            raise ScoreInvalid(f"{words}: {never}between {MIN_SCORE:g} and {MAX_SCORE:g} points.", field=name)
    return given


def in_force(*rows: Any) -> dict[str, InForce]:
    """What holds by name, of rows that have these numbers, the most particular one first; then the host's settings."""
    host = {
        "junk_score": settings.JUNK_SCORE,
        "quarantine_score": settings.QUARANTINE_SCORE,
        "refuse_score": settings.REFUSE_SCORE,
    }
    found = {}
    for name in NAMES:
        said = ((getattr(row, name), level) for level, row in enumerate(rows))
        own = next(((score, level) for score, level in said if score is not None), None)
        found[name] = InForce(*own) if own else InForce(float(host[name]), len(rows))
    return found


def require_order(*rows: Any, changed: Collection[str]) -> None:
    """Mail is treated the more strictly the more points it has: Junk, quarantine, refusal. Raises ScoreInvalid.

    rows: as in_force. changed: what the first row says anew, so that the fact names it.
    """
    scores = in_force(*rows)
    said = [(name, scores[name].score) for name in NAMES if scores[name].score != NEVER]
    for (mild, below), (strict, above) in pairwise(said):
        if below > above:
            raise ScoreInvalid(
                f"{_BEGINS[mild]} cannot begin at {below:g} points: from {above:g} on, mail is {_DONE[strict]}.",
                field=mild if mild in changed else strict,
            )


def points_in_words(score: float) -> str:
    """Of a number that holds."""
    return "never" if score == NEVER else f"{score:g}"
