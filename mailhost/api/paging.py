"""Lists page by page. A cursor is the last key of a page: pages stay true while things come and go."""

import base64
import binascii
from datetime import datetime
from typing import Annotated, Final, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query

from mailhost.api.problems import CursorInvalid

M = TypeVar("M", bound=Model)

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = (
    200  # each item is a few hundred octets: a page stays below what clients like to read at once
)
MAX_CURSOR: Final = 1_024
MAX_DIGITS: Final = 18  # any number of so many fits a bigint

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on one page.")]
Cursor = Annotated[
    str, Query(max_length=MAX_CURSOR, description="`next_cursor` of the page before; empty at first.")
]


def page(rows: QuerySet[M], *, key: str, limit: int, cursor: str) -> tuple[list[M], str | None]:
    """The rows after the cursor in the order of `key` (a unique text column), and the next cursor."""
    rows = rows.order_by(key)
    if cursor:
        rows = rows.filter(**{f"{key}__gt": _decode(cursor)})
    found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, None
    last: object = found[limit - 1]
    for name in key.split("__"):
        last = getattr(last, name)
    return found[:limit], _encode(str(last))


def number_cursor(last: int) -> str:
    """The next cursor of a list by id."""
    return _encode(str(last))


def read_number_cursor(cursor: str) -> int | None:
    """The last id of the page before; None at first."""
    if not cursor:
        return None
    key = _decode(cursor)
    if not key.isascii() or not key.isdigit() or len(key) > MAX_DIGITS:
        raise CursorInvalid
    return int(key)


def text_cursor(place: str) -> str | None:
    """The next cursor of a list that has words of its own for its places; None at the end."""
    return _encode(place) if place else None


def read_text_cursor(cursor: str) -> str:
    """The place behind the page before; "" at first."""
    return _decode(cursor) if cursor else ""


def moment_cursor(at: datetime, last: int) -> str:
    """The next cursor of a list by moment and id."""
    return _encode(f"{at.isoformat()} {last}")


def read_moment_cursor(cursor: str) -> tuple[datetime, int] | None:
    """Moment and id of the last item of the page before; None at first."""
    if not cursor:
        return None
    moment, _, last = _decode(cursor).partition(" ")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        raise CursorInvalid from None
    if at.tzinfo is None or not last.isascii() or not last.isdigit() or len(last) > MAX_DIGITS:
        raise CursorInvalid
    return at, int(last)


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode(cursor: str) -> str:
    try:
        key = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars="-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise CursorInvalid from None
    if "\0" in key:
        raise CursorInvalid
    return key
