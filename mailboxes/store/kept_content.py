"""Contents that no mailbox shows and that the queue refers to: one statement, with nothing to lock or to count."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from mailboxes.store.content_rows import CONTENT_COLUMNS, GIVEN_COLUMNS, GIVEN_CONTENTS, content_parameters
from mailboxes.store.values import NewContent
from mailhost.net.database import cursor

KEEP: Final = f"""
INSERT INTO mailboxes_content (id, created_at, {CONTENT_COLUMNS})
SELECT nextval('mailboxes_content_id_seq'), %(now)s, {GIVEN_COLUMNS}
  FROM {GIVEN_CONTENTS}
RETURNING id
""".encode()


def keep_contents(contents: Sequence[NewContent], *, now: datetime) -> list[int]:
    """Their ids, in order; in the caller's transaction. None may be longer than LARGE_OCTETS."""
    if not contents:
        return []
    with cursor() as sql:
        parameters = content_parameters(list(enumerate(contents)))
        return [row[0] for row in sql.execute(KEEP, {**parameters, "now": now})]
