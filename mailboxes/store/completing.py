"""Contents of which only an outline was stored, because they were to leave alone; for when a mailbox is to show one."""

from dataclasses import replace
from typing import Final

from mailboxes.store.append import prepare
from mailboxes.store.content_rows import GIVEN_CONTENTS, content_parameters
from mailhost.net.database import cursor

# What prepare_to_leave() leaves out, as columns and as content_parameters() names it.
COLUMNS: Final = """envelope, body_structure, parts, "references", from_display, to_display, sort_subject, sort_from,
        sort_to, sort_cc, sent_at, preview, has_attachments"""
GIVEN: Final = COLUMNS.replace('"references"', "refs")
READ: Final = b"SELECT octets FROM mailboxes_content WHERE id = %s AND body_structure = '' FOR UPDATE"
COMPLETE: Final = f"""
UPDATE mailboxes_content
   SET ({COLUMNS}) = (SELECT {GIVEN} FROM {GIVEN_CONTENTS})
 WHERE mailboxes_content.id = %(content_id)s
""".encode()


def complete_content(content_id: int) -> None:
    """Works out the rest, in the caller's transaction; nothing where it is complete, or is not there."""
    with cursor() as sql:
        row = sql.execute(READ, (content_id,)).fetchone()
        if row is not None:
            # Its octets are there already, and may be many (large_content.py): they are not sent again.
            rest = replace(prepare(row[0]), octets=b"")
            parameters = content_parameters([(content_id, rest)])
            sql.execute(COMPLETE, {**parameters, "content_id": content_id})
