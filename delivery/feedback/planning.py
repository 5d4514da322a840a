"""Which reports a day that is over leads to, and when each is made: spread over hours, those with most of it first.

Every reporter of the world has midnight at the same moment: a day's reports of one host shall not be one wave.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from delivery.feedback.ledger import Ledger
from mailhost.net.database import cursor

GRACE: Final = timedelta(minutes=30)  # until the processes have written what they counted before midnight
SPREAD: Final = timedelta(hours=6)

# The moment of a domain follows from its name and the day, so that it does not matter who plans, or how often.
PLAN: Final = b"""
WITH ranked AS (
    SELECT id, day, domain,
           row_number() OVER (PARTITION BY day ORDER BY {total} DESC, domain)
           + (SELECT count(*) FROM {days} other
               WHERE other.day = feedback.day AND other.state IN ('due', 'sent', 'unwanted')) AS number
      FROM {days} feedback WHERE state = 'counting' AND day <= %s)
UPDATE {days} planned
   SET state = CASE WHEN ranked.number <= %s THEN 'due' ELSE 'left out' END,
       due_at = CASE WHEN ranked.number <= %s THEN
           %s::timestamptz + %s::interval * (abs(hashtext(ranked.domain || ranked.day)::bigint) %% 10000 / 10000.0)
       END
  FROM ranked WHERE ranked.id = planned.id AND planned.state = 'counting'
"""


def plan_reports(ledger: Ledger[Any, Any], *, now: datetime, per_day: int) -> int:
    """Plans all days that are over and not planned yet; how many domains. One statement, any number of callers.

    What comes to be written later still is planned in a later round, within the same number for its day.
    """
    last_day = (now - GRACE).astimezone(UTC).date() - timedelta(days=1)
    midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    start = max(midnight + GRACE, now - SPREAD)  # after an absence, what is past is due at once
    with cursor() as sql:
        return sql.execute(ledger.sql(PLAN), (last_day, per_day, per_day, start, SPREAD)).rowcount
