"""What a filter's scores are worth: junk caught for so much wanted mail lost."""

from dataclasses import dataclass, field

LOST = (0.0, 0.001, 0.005, 0.01)  # shares of wanted mail


@dataclass(slots=True)
class Scores:
    """What one filter said of messages that it had not seen, at least one of each kind: more is junk."""

    name: str
    cut_off: float  # its own; junk is what has that or more
    junk: list[float] = field(default_factory=list)
    wanted: list[float] = field(default_factory=list)
    training_seconds: float = 0.0  # a message
    judging_seconds: float = 0.0  # a message

    def caught(self, lost: float) -> float:
        """The share of junk above a score that at most this share of wanted mail is above."""
        may_be_lost = int(len(self.wanted) * lost + 1e-9)
        threshold = sorted(self.wanted, reverse=True)[may_be_lost]
        return sum(score > threshold for score in self.junk) / len(self.junk)

    def caught_by_default(self) -> float:
        """The share of junk at its own cut-off."""
        return sum(score >= self.cut_off for score in self.junk) / len(self.junk)

    def lost_by_default(self) -> float:
        """The share of wanted mail at its own cut-off."""
        return sum(score >= self.cut_off for score in self.wanted) / len(self.wanted)


def markdown(filters: list[Scores]) -> str:
    """A column for each filter."""
    rows = [["", *(each.name for each in filters)], ["---", *("---:" for _ in filters)]]
    for lost in LOST:
        rows.append(
            [
                f"junk caught, {lost:.1%} of wanted mail lost",
                *(f"{each.caught(lost):.2%}" for each in filters),
            ]
        )
    rows.append(["its own cut-off", *(f"{each.cut_off:g}" for each in filters)])
    rows.append(["junk caught there", *(f"{each.caught_by_default():.2%}" for each in filters)])
    rows.append(["wanted mail lost there", *(f"{each.lost_by_default():.2%}" for each in filters)])
    rows.append(["judging a message, ms", *(f"{1000 * each.judging_seconds:.1f}" for each in filters)])
    rows.append(["learning a message, ms", *(f"{1000 * each.training_seconds:.1f}" for each in filters)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
