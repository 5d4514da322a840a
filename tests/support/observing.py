"""Observations as messages from outside leave them, for tests of what is reported."""

from datetime import UTC, date, datetime

from delivery.feedback.observing import Observation
from mailhost.protocols.dmarc.aggregate_reports import PublishedPolicy, Row, SpfOutcome
from mailhost.protocols.dmarc.record import ReportUri

DAY = date(2026, 11, 25)
NEXT_MORNING = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def observation(
    domain: str = "far.test",
    *,
    ip: str = "192.0.2.1",
    day: date = DAY,
    uris: tuple[ReportUri, ...] | None = None,
    header_from: str = "",
    p: str = "reject",
) -> Observation:
    """A message in the domain's name, that passes by its own SPF."""
    row = Row(
        source_ip=ip,
        count=1,
        disposition="pass",
        dkim="fail",
        spf="pass",
        header_from=header_from or domain,
        envelope_from=domain,
        spf_outcomes=(SpfOutcome(domain, "pass", "mfrom"),),
    )
    wanted = (ReportUri(f"mailto:dmarc@{domain}"),) if uris is None else uris
    return Observation(day, PublishedPolicy(domain, p, adkim="r", aspf="r", fo="0", testing="n"), wanted, row)
