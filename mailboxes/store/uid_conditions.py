"""Which messages of a mailbox are meant, as a condition in SQL: UIDs by the ten thousand (RFC 9051 section 2.3.1.1)."""

from collections.abc import Sequence
from typing import Any

ALL = "TRUE"
# A look-up for each UID takes three times as long as one range, and the planner weighs each of them beforehand: for
# 10,000 it thinks for 27 ms.
IN_RANGE = "uid BETWEEN %(first_uid)s AND %(last_uid)s"
EACH = "uid = ANY(%(uids)s::bigint[])"


def uids_among(uids: Sequence[int] | None) -> tuple[str, dict[str, Any]]:
    """A condition on the column `uid`, and its parameters by name. None means all messages.

    A `range` means what is there between its ends; otherwise UIDs may be missing, repeated and unsorted.
    """
    if uids is None:
        return ALL, {}
    if not uids:
        return "FALSE", {}
    if isinstance(uids, range):
        first, last = uids[0], uids[-1]
        is_range = uids.step == 1
    else:
        first, last = min(uids), max(uids)
        is_range = last - first + 1 == len(uids) == len(set(uids))
    if is_range:
        return IN_RANGE, {"first_uid": first, "last_uid": last}
    # As text: psycopg takes 11 ms to write 10,000 integers as a binary array.
    return EACH, {"uids": "{%s}" % ",".join(map(str, uids))}  # noqa: UP031
