"""Contents that no mailbox shows and that the queue refers to: one statement, with nothing to lock or to count."""

from collections import defaultdict
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
RETURNING id, digest
""".encode()


def keep_contents(contents: Sequence[NewContent], *, now: datetime) -> list[int]:
    """Their ids, in order; in the caller's transaction. None may be longer than LARGE_OCTETS.

    Each id goes to the content whose digest was written under it: no manual promises that RETURNING keeps the order of
    the rows. Contents with the same digest are the same.
    """
    if not contents:
        return []
    ids: dict[bytes, list[int]] = defaultdict(list)
    with cursor() as sql:
        parameters = content_parameters(list(enumerate(contents)))
        for content_id, digest in sql.execute(KEEP, {**parameters, "now": now}):
            ids[bytes(digest)].append(content_id)
    return [ids[content.digest].pop() for content in contents]
