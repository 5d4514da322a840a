"""A table of figures, ours beside the peer's."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Table:
    """`rows` are (what, ours, peer's or None); with is_rate more is better. `unit` stands in the heading."""

    title: str
    unit: str
    is_rate: bool
    rows: list[tuple[str, float, float | None]] = field(default_factory=list)

    def markdown(self) -> str:
        """The table, with a column of ratios where there is a peer (ours / peer's)."""
        has_peer = any(peer is not None for _, _, peer in self.rows)
        heading = ["what", f"Mailhost, {self.unit}"]
        if has_peer:
            heading += [f"Postfix + Dovecot, {self.unit}", "ratio"]
        lines = [f"### {self.title}", "", _line(heading), _line(["---"] * len(heading))]
        for what, ours, peer in self.rows:
            cells = [what, _figure(ours)]
            if has_peer:
                cells += ["", ""] if peer is None else [_figure(peer), f"{ours / peer:.2f}"]
            lines.append(_line(cells))
        return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
