"""When a recipient, or a destination that reached no host, is tried again (RFC 5321 section 4.5.4.1)."""

from datetime import datetime, timedelta
from typing import Final

# RFC 5321 section 4.5.4.1 asks for 30 minutes or more in general, and calls other strategies useful where the
# reason is known. The first steps are short: greylisting lets mail in after some minutes, and restarts are over.
STEPS: Final = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 10, 20, 40, 60, 120, 180, 240))
JITTER: Final = 0.2  # of a step: so that what failed together is not tried together


def next_attempt_at(attempts: int, *, now: datetime, expires_at: datetime, jitter: float) -> datetime:
    """The time of the next attempt after so many (at least 1). jitter is from 0 to 1, given by the caller.

    Never after expires_at: the last attempt is made then, and its failure is final.
    """
    step = STEPS[min(max(attempts, 1), len(STEPS)) - 1]
    after = step * (1 + JITTER * (jitter - 0.5))
    return min(now + after, max(expires_at, now))
