"""Where a message's parts lie, and octets of them: for CATENATE, which makes messages of parts (RFC 4469)."""

from dataclasses import dataclass

from mailboxes.store.locks import one

FIND = """
SELECT content.id, content.parts
  FROM mailboxes_message message JOIN mailboxes_content content ON content.id = message.content_id
 WHERE message.mailbox_id = %s AND message.uid = %s
"""
READ = "SELECT substring(octets FROM %s::integer FOR %s::integer) FROM mailboxes_content WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Parts:
    """A message's content and its packed part offsets."""

    content_id: int
    packed: bytes


def find_parts(*, mailbox_id: int, uid: int) -> Parts | None:
    """Of a message that is there; one that was expunged is not."""
    row = one(FIND, (mailbox_id, uid))
    return None if row is None else Parts(row[0], row[1])


def read_span(*, content_id: int, start: int, end: int) -> bytes | None:
    """octets[start:end] of a content; None where it is gone."""
    row = one(READ, (start + 1, end - start, content_id))
    return None if row is None else row[0]
