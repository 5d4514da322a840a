"""The classifier's figure as points and words."""

from collections.abc import Iterator

from delivery.findings import Finding
from mailboxes.junk.classifier import JUNK_FROM, UNDECIDED, Judgement

SURE_SCORE = 5.0  # of what the classifier takes for junk: enough for the Junk mailbox by itself
SUREST_SCORE = 6.0
DOUBTFUL_SCORE = 3.0
WANTED_SCORE = -3.0
WORTH_TELLING = 0.1  # points


def junk_finding(judgement: Judgement) -> Iterator[Finding]:
    """What the account's lessons and the host's say; nothing before there are enough of them."""
    if not judgement.is_trained:
        return
    score = round(points(judgement.score), 2)
    if abs(score) < WORTH_TELLING:
        return
    kind = "junk" if score > 0 else "wanted mail"
    because = "; ".join(judgement.reasons)
    text = f"It reads like {kind}{f': {because}' if because else ''}."
    yield Finding(
        "lessons", "junk" if judgement.is_junk else "doubtful" if score > 0 else "wanted", text, score
    )


def points(figure: float) -> float:
    """0 to 1 as points: straight lines from wanted over undecided to doubtful, and from the cut-off on to sure."""
    if figure >= JUNK_FROM:
        return SURE_SCORE + (SUREST_SCORE - SURE_SCORE) * (figure - JUNK_FROM) / (1 - JUNK_FROM)
    if figure >= UNDECIDED:
        return DOUBTFUL_SCORE * (figure - UNDECIDED) / (JUNK_FROM - UNDECIDED)
    return WANTED_SCORE * (UNDECIDED - figure) / UNDECIDED
