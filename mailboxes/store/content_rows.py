"""How contents get into their table: the columns, and what is given for each. Of both ways that store messages."""

import json
from collections.abc import Sequence
from typing import Any

from mailboxes.store.values import NewContent

# What is text or number travels as JSON: psycopg dumps lists element by element in Python, which took longer than all
# the rest. What is octets travels as binary arrays (%b; as text it would be doubled and escaped), unnested beside the
# rows: an element of such an array is found by walking over all before it.
CONTENT_COLUMNS = """octets, digest, envelope, body_structure, parts, size_octets, header_octets, message_id,
        "references", subject, from_display, to_display, sort_subject, sort_from, sort_to, sort_cc, sent_at, preview,
        has_attachments"""
GIVEN_COLUMNS = CONTENT_COLUMNS.replace('"references"', "refs")
GIVEN_CONTENTS = """ROWS FROM (unnest(%(octets)b::bytea[]), unnest(%(digest)b::bytea[]), unnest(%(envelope)b::bytea[]),
           unnest(%(body_structure)b::bytea[]), unnest(%(parts)b::bytea[]),
           json_to_recordset(%(contents)s::json) AS (id bigint, size_octets integer, header_octets integer,
           message_id text, refs text[], subject text, from_display text, to_display text, sort_subject text,
           sort_from text, sort_to text, sort_cc text, sent_at timestamptz, preview text, has_attachments boolean))
           given(octets, digest, envelope, body_structure, parts)"""


def content_parameters(contents: Sequence[tuple[int, NewContent]]) -> dict[str, Any]:
    """What GIVEN_CONTENTS needs; the numbers come back as `id`."""
    return {
        "octets": [content.octets for _, content in contents],
        "digest": [content.digest for _, content in contents],
        "envelope": [content.worked_out.envelope for _, content in contents],
        "body_structure": [content.worked_out.body_structure for _, content in contents],
        "parts": [content.worked_out.parts for _, content in contents],
        "contents": json.dumps([_row(number, content) for number, content in contents]),
    }


def _row(number: int, content: NewContent) -> dict[str, Any]:
    found = content.worked_out
    return {
        "id": number,
        "size_octets": len(content.octets),
        "header_octets": found.header_octets,
        "message_id": found.message_id,
        "refs": found.references,
        "subject": found.subject,
        "from_display": found.from_display,
        "to_display": found.to_display,
        "sort_subject": found.sort_subject,
        "sort_from": found.sort_from,
        "sort_to": found.sort_to,
        "sort_cc": found.sort_cc,
        "sent_at": found.sent_at and found.sent_at.isoformat(),
        "preview": found.preview,
        "has_attachments": found.has_attachments,
    }
