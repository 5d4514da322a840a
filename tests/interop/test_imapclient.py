"""IMAPClient: what scripts do with a mailbox, over TLS with a certificate that is checked."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

imapclient = pytest.importorskip("imapclient", reason="IMAPClient is not installed: pip install imapclient")

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

PASSWORD = "correct horse"
BIG_OCTETS = 12_000_000


@contextmanager
def signed_in(doors: "Doors", ca: Path, login: str) -> Iterator[Any]:
    context = ssl.create_default_context(cafile=str(ca))
    client = imapclient.IMAPClient("127.0.0.1", port=doors.tls, ssl_context=context, timeout=60)
    client.login(login, PASSWORD)
    yield client
    client.logout()


def test_flags_moves_and_conflicts(imap_doors: "Doors", imap_ca: Path) -> None:
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    login = new_account().login
    first, second, third = (put_message(login, subject) for subject in ("one", "two", "three"))
    with signed_in(imap_doors, imap_ca, login) as here, signed_in(imap_doors, imap_ca, login) as there:
        assert here.select_folder("INBOX")[b"EXISTS"] == 3
        there.select_folder("INBOX")
        here.add_flags([first], [imapclient.FLAGGED, b"$Important"])
        there.remove_flags([first], [imapclient.FLAGGED])
        here.noop()
        assert set(here.get_flags([first])[first]) - {b"\\Recent"} == {b"$Important"}
        assert there.search(["KEYWORD", "$Important"]) == [first]
        there.move([second], "Archive")
        here.delete_messages([second, third])
        here.expunge()
        there.noop()
        assert here.search() == there.search() == [first]
        there.select_folder("Archive", readonly=True)
        assert there.fetch([1], ["ENVELOPE"])[1][b"ENVELOPE"].subject == b"two"


def test_drafts_folders_and_a_big_attachment(imap_doors: "Doors", imap_ca: Path) -> None:
    from tests.support.hosting import new_account

    with signed_in(imap_doors, imap_ca, new_account().login) as client:
        client.create_folder("Projekte/Übersicht & Pläne")
        assert "Projekte/Übersicht & Pläne" in [name for _, _, name in client.list_folders("Projekte")]
        assert client.find_special_folder(b"\\Drafts") == "Drafts"
        big = b"Subject: big\r\nContent-Type: application/octet-stream\r\n\r\n" + b"0123456789" * (
            BIG_OCTETS // 10
        )
        client.append("Drafts", big, flags=[imapclient.DRAFT, imapclient.SEEN])
        client.select_folder("Drafts")
        [uid] = client.search(["LARGER", 1_000_000, "DRAFT"])
        assert client.fetch([uid], ["BODY.PEEK[]"])[uid][b"BODY[]"] == big
        client.rename_folder("Projekte", "Projects")
        client.select_folder("Projects/Übersicht & Pläne")
        client.unselect_folder()
        client.delete_folder("Projects/Übersicht & Pläne")


def test_search_in_several_scripts(imap_doors: "Doors", imap_ca: Path) -> None:
    from tests.conversations.imap.messages import put_message, simple
    from tests.support.hosting import new_account

    login = new_account().login
    one = put_message(login, simple("=?utf-8?q?Gr=C3=BC=C3=9Fe?= aus Wien", text="Straße\r\n"))
    two = put_message(login, simple("=?utf-8?b?0J/RgNC40LLQtdGC?=", text="other\r\n"))
    with signed_in(imap_doors, imap_ca, login) as client:
        client.select_folder("INBOX")
        assert client.search(["SUBJECT", "GRÜSSE"], "UTF-8") in (
            [],
            [one],
        )  # ß and SS: as the collation has it
        assert client.search(["SUBJECT", "GRÜ"], "UTF-8") == [one]
        assert client.search(["SUBJECT", "привет"], "UTF-8") == [two]
        assert client.search(["NOT", "SUBJECT", "привет", "BODY", "STRAß"], "UTF-8") == [one]


def test_idle_hears_of_a_delivery(imap_doors: "Doors", imap_ca: Path) -> None:
    from tests.conversations.imap.messages import put_message
    from tests.support.hosting import new_account

    login = new_account().login
    with signed_in(imap_doors, imap_ca, login) as client:
        client.select_folder("INBOX")
        client.idle()
        thread = threading.Thread(target=_put, args=(put_message, login))
        thread.start()
        heard = client.idle_check(timeout=30)
        client.idle_done()
        thread.join(30)
        assert (1, b"EXISTS") in heard


def _put(put_message: Any, login: str) -> None:
    from django.db import connection

    put_message(login, "news")
    connection.close()
