"""Contents that were to leave alone, and that a mailbox shows in the end."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from mailboxes.models import Content
from mailboxes.store import fetch, hierarchy
from mailboxes.store.append import append, prepare, prepare_to_leave
from mailboxes.store.completing import complete_content
from mailboxes.store.kept_content import keep_contents
from mailboxes.store.placing import place_content
from mailboxes.store.values import NewMessage
from tests.support.hosting import new_account

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LETTER = b"""\
Date: Mon, 23 Nov 2026 11:00:00 +0000
From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>
To: Carol <carol@far.test>, dave@far.test
Subject: Re: {0} %s
Message-ID: <2@example.org>
References: <0@example.org> <1@example.org>
Content-Type: multipart/mixed; boundary=b

--b

Hello
--b
Content-Disposition: attachment; filename=x

x
--b--
""".replace(b"\n", b"\r\n")


def keep(octets: bytes) -> int:
    [content_id] = keep_contents([prepare_to_leave(octets)], now=NOW)
    return content_id


def test_only_what_the_queue_asks_for_is_worked_out_at_first() -> None:
    content = Content.objects.get(pk=keep(LETTER))
    assert bytes(content.octets) == LETTER
    assert (content.subject, content.message_id) == ("Re: {0} %s", "<2@example.org>")
    assert content.header_octets == prepare(LETTER).worked_out.header_octets
    assert (bytes(content.body_structure), content.from_display, content.sent_at) == (b"", "", None)


def test_a_mailbox_shows_it_as_it_shows_any_other() -> None:
    alice = new_account("alice")
    mailbox = hierarchy.find_mailbox(account_id=alice.pk, name="INBOX").mailbox_id
    content_id = keep(LETTER)
    for _ in range(2):
        place_content(
            account_id=alice.pk, mailbox_id=mailbox, content_id=content_id, internal_date=NOW, now=NOW
        )
    append(account_id=alice.pk, mailbox_id=mailbox, contents=[NewMessage(prepare(LETTER))], now=NOW)
    columns = [name for name in fetch.COLUMNS if name not in {"modseq", "content_id"}]
    *placed, appended = fetch.fetch_rows(mailbox_id=mailbox, uids=[1, 2, 3], columns=columns)
    assert [row[1:] for row in placed] == [appended[1:]] * 2
    kept, other = Content.objects.values().order_by("pk")
    assert {**kept, "id": 0} == {**other, "id": 0}


def test_nothing_is_done_to_what_is_complete_or_gone() -> None:
    [content_id] = keep_contents([prepare(LETTER)], now=NOW)
    Content.objects.filter(pk=content_id).update(preview="as it was")
    complete_content(content_id)
    complete_content(content_id + 1)
    assert Content.objects.get(pk=content_id).preview == "as it was"


def test_the_octets_are_not_sent_to_the_database_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    execute = psycopg.Cursor.execute

    def recording(self: psycopg.Cursor[Any], query: Any, params: Any = None, **options: Any) -> Any:
        sent.append(str(params))
        return execute(self, query, params, **options)

    content_id = keep(LETTER)
    monkeypatch.setattr(psycopg.Cursor, "execute", recording)
    complete_content(content_id)
    assert len(sent) == 2
    assert not any("boundary=b\\r\\n" in each for each in sent)
    content = Content.objects.get(pk=content_id)
    assert bytes(content.octets) == LETTER
    assert content.size_octets == len(LETTER)
    assert content.has_attachments
