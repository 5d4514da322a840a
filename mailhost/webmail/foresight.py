"""What would become of the next message like one that was just put right, as sentences for who put it right."""

from collections import Counter
from collections.abc import Sequence

from delivery.filters.correcting import Consequence
from delivery.findings import Action, Thresholds, Verdict
from mailboxes.junk.classifier import MIN_LESSONS
from mailboxes.junk.judging import missing_lessons
from mailhost.webmail.reasons import NEXT

MAX_REASON = 300  # characters: the whole of it stands beside the next message
STARTERS = ("It ", "You ", "The ", "A ", "An ", "Its ", "This ", "There ", "No ", "Nobody ")
LATER = "The filter learns from it in a moment."


def foretell(consequences: Sequence[Consequence], *, is_lesson: bool) -> str:
    """One message with its reason and its points, several by where they would go; "" where nothing can be said.

    is_lesson: the filter was told what is junk, so it is said where that counts for nothing yet.
    """
    if is_lesson and not all(each.is_learned for each in consequences):
        return LATER
    found = [(each, each.after) for each in consequences if each.after is not None]
    if not found:
        return LATER if is_lesson else ""
    if len(found) > 1:
        return _of_many([after for _, after in found])
    [(one, after)] = found
    sentences = [_next(one, after), _points(one, after), *_unproven(after)]
    if is_lesson and not any(each.check == "lessons" for each in after.findings):
        sentences += _untrained()
    return " ".join(sentences)


def _next(one: Consequence, after: Verdict) -> str:
    stays = one.before is not None and one.before.action is after.action
    return f"The next message like this would {'still ' if stays else ''}{NEXT[after.action]}, because {because(after)}"


def because(verdict: Verdict) -> str:
    """What has decided, as the end of a sentence, with its full stop."""
    demands = [each for each in verdict.findings if each.at_least is verdict.action is not Action.DELIVER]
    if verdict.action is Action.DELIVER:
        weighing = [each for each in verdict.findings if each.score < 0]
        otherwise = "nothing speaks against it." if verdict.score <= 0 else "too little speaks against it."
    else:
        weighing = demands or [each for each in verdict.findings if each.score > 0]
        otherwise = "of its points."
    text = weighing[0].text.strip() if weighing else otherwise
    if len(text) > MAX_REASON:
        text = text[:MAX_REASON].rstrip() + "…"
    return text[0].lower() + text[1:] if text.startswith(STARTERS) else text


def _points(one: Consequence, after: Verdict) -> str:
    now = f"{points(after.score)} now{_limit(one.thresholds, after)}."
    return (
        f"Points: {now}" if one.before is None else f"Points: {points(one.before.score)} when it came, {now}"
    )


def _limit(thresholds: Thresholds | None, after: Verdict) -> str:
    if thresholds is None:
        return ""
    if after.action is Action.REFUSE and thresholds.refuse is not None:
        return f"; from {points(thresholds.refuse)} on mail is refused"
    if after.action is Action.QUARANTINE and thresholds.quarantine is not None:
        return f"; from {points(thresholds.quarantine)} on mail is held"
    return f"; Junk begins at {points(thresholds.junk)}"


def _unproven(after: Verdict) -> list[str]:
    return [each.text for each in after.findings if (each.check, each.result) == ("sender-rule", "unproven")]


def _untrained() -> list[str]:
    missing = missing_lessons()
    if not any(missing):
        return []
    junk, wanted = (MIN_LESSONS - each for each in missing)
    return [
        f"What you say counts once the filter knows {MIN_LESSONS} messages of each kind: so far it knows {junk} of "
        f"junk and {wanted} of wanted mail{' or more' if 0 in missing else ''}."
    ]


def _of_many(verdicts: Sequence[Verdict]) -> str:
    counts = Counter(verdict.action for verdict in verdicts)
    if len(counts) == 1:
        return f"The next messages like these would {NEXT[verdicts[0].action]}."
    parts = [f"{counts[action]} would {NEXT[action]}" for action in Action if counts[action]]
    return f"Of the next messages like these, {', '.join(parts[:-1])} and {parts[-1]}."


def points(score: float) -> str:
    """As people write it, with a true minus."""
    return f"{score:.4g}".replace("-", "\N{MINUS SIGN}")
