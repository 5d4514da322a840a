"""From how many points on mail goes to Junk, is held back or is refused: what a domain or an account may say."""

from collections.abc import Mapping
from typing import Final, TypedDict

from domains.exceptions import ScoreInvalid

# Below the first one, mail that has nothing against it would go. The last one stays well below the 100 points of a
# sender who is refused (delivery/filters/policies.py), or refusing somebody would do nothing.
MIN_SCORE: Final = 1.0
MAX_SCORE: Final = 50.0
NEVER: Final = 0.0  # of quarantine and refusal, as in the host's settings


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
