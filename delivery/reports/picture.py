"""What the page of a domain's reports shows, for whoever may see it: operators and the domain's administrators."""

from datetime import datetime
from typing import Any

from delivery.reports.drawing import draw
from delivery.reports.summary import summarize

PICTURE_DAYS = (30, 7, 90, 365)


def picture(*, domain: str, asked_days: str, now: datetime) -> dict[str, Any]:
    """The context of templates/reports/picture.html: the last 30 days, or as many of PICTURE_DAYS as are asked for."""
    days = int(asked_days) if asked_days in map(str, PICTURE_DAYS) else PICTURE_DAYS[0]
    summary = summarize(domain=domain, days=days, now=now)
    return {
        "summary": summary,
        "days": days,
        "choices": PICTURE_DAYS,
        "dmarc_bars": draw(summary.dmarc),
        "tls_bars": draw(summary.tls),
        "has_tls": any(day.good or day.bad for day in summary.tls),
    }
