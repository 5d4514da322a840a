"""What points lead to, as a picture: one bar from nothing to where mail is treated most strictly."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domains.scores import NEVER, InForce

WIDTH: Final = 100.0
BEYOND: Final = 1.25  # the bar goes on behind the last number, so that what begins there is seen
PLACES: Final = {
    "junk_score": ("junk", "Junk"),
    "quarantine_score": ("held", "held in quarantine"),
    "refuse_score": ("refused", "refused"),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the bar. start, end: points; None: without an end. x, width: of 100."""

    kind: str
    words: str
    start: float | None
    end: float | None
    x: float
    width: float


def stretches(scores: Mapping[str, InForce]) -> list[Stretch]:
    """From mild to strict, without what never happens or what something stricter covers."""
    starts: list[tuple[float, str, str]] = []
    for name, (kind, words) in PLACES.items():
        score = scores[name].score
        if score != NEVER:
            starts = [each for each in starts if each[0] < score]
            starts.append((score, kind, words))
    whole = starts[-1][0] * BEYOND
    found = [Stretch("inbox", "your inbox", None, starts[0][0], 0.0, starts[0][0] / whole * WIDTH)]
    for number, (start, kind, words) in enumerate(starts):
        end = starts[number + 1][0] if number + 1 < len(starts) else None
        width = ((end or whole) - start) / whole * WIDTH
        found.append(Stretch(kind, words, start, end, start / whole * WIDTH, width))
    return found
