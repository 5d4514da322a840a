"""Reading one message: its text, its HTML behind two walls, its attachments, its source."""

import pytest
from django.test import Client

from mailboxes.models import Account
from mailboxes.store.hierarchy import find_mailbox
from mailboxes.store.values import Flag
from mailhost.webmail.cleaning import clean_html, has_remote_images
from mailhost.webmail.plain_text import to_html
from tests.webmail.conftest import Deliver
from tests.webmail.mail import LETTER, mailbox_id

HTML = b"""From: Eve <eve@elsewhere.test>\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary=outer\r
\r
--outer\r
Content-Type: multipart/related; boundary=inner\r
\r
--inner\r
Content-Type: text/html; charset=utf-8\r
\r
<p onclick="steal()">Hello <a href="javascript:steal()">you</a> <a href="https://example.test/">there</a></p>
<script>steal()</script><form action="https://evil.test"><input name="password"></form>
<img src="https://tracker.test/pixel.gif" width="1"><img src="cid:logo@x"><style>p { color: red }</style>\r
--inner\r
Content-Type: image/png\r
Content-ID: <logo@x>\r
Content-Disposition: inline; filename=logo.png\r
Content-Transfer-Encoding: base64\r
\r
iVBORw0KGgo=\r
--inner--\r
--outer\r
Content-Type: text/html; name="evil.html"\r
Content-Disposition: attachment; filename="../../evil \xe2\x98\x83.html"\r
\r
<script>steal()</script>\r
--outer--\r
"""


def where(account: Account, uid: int, mailbox: str = "INBOX") -> str:
    return f"/mail/{mailbox_id(account, mailbox)}/{uid}/"


def test_reading_marks_as_seen_and_looking_at_the_source_does_not(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    uid = deliver(alice)
    assert b"Message-ID: &lt;hello@elsewhere.test&gt;" in signed_in.get(where(alice, uid) + "source/").content
    assert find_mailbox(account_id=alice.pk, name="INBOX").unseen_count == 1
    page = signed_in.get(where(alice, uid))
    assert b"How are you?" in page.content
    assert page.context["folders"][0].count == 0
    assert find_mailbox(account_id=alice.pk, name="INBOX").unseen_count == 0


def test_html_is_shown_in_a_frame_that_can_do_nothing(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    uid = deliver(alice, HTML)
    page = signed_in.get(where(alice, uid)).content.decode()
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "steal" not in page
    assert "Grüße" in page
    framed = signed_in.get(where(alice, uid) + "html/")
    policy = framed.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    body = framed.content.decode()
    for gone in ("steal", "evil.test", "onclick", "<form", "<input", "<style>p"):
        assert gone not in body
    assert 'href="https://example.test/"' in body
    assert 'rel="noopener noreferrer nofollow"' in body
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in body


def test_images_from_other_hosts_wait_until_asked_for(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    uid = deliver(alice, HTML)
    assert b"Show images" in signed_in.get(where(alice, uid)).content
    blocked = signed_in.get(where(alice, uid) + "html/")
    assert b"tracker.test" not in blocked.content
    assert "img-src data:;" in blocked.headers["Content-Security-Policy"]
    shown = signed_in.get(where(alice, uid) + "html/?images")
    assert b"https://tracker.test/pixel.gif" in shown.content
    assert "img-src data: https: http:;" in shown.headers["Content-Security-Policy"]
    assert b"html/?images" in signed_in.get(where(alice, uid) + "?images").content


def test_attachments_are_handed_over_and_never_shown(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    uid = deliver(alice, HTML)
    [part] = signed_in.get(where(alice, uid)).context["message"].attachments
    answer = signed_in.get(where(alice, uid) + f"parts/{part.section}/")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename")
    assert "/" not in answer.headers["Content-Disposition"].split("''")[1]
    assert answer.content.strip() == b"<script>steal()</script>"
    assert signed_in.get(where(alice, uid) + "parts/9.9/").status_code == 404
    assert signed_in.get(where(alice, uid) + "parts/x/").status_code == 404


def test_a_message_comes_back_byte_for_byte(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    uid = deliver(alice, HTML)
    answer = signed_in.get(where(alice, uid) + "download/")
    assert answer.content == HTML
    assert answer.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    "octets",
    [b"", b"\r\n", b"\x00\xff", b"Subject: \xff\r\n\r\n\xfe\x00", b"no header at all", b"From: <\r\n\r\n>"],
)
def test_a_broken_message_has_a_page_all_the_same(
    signed_in: Client, alice: Account, deliver: Deliver, octets: bytes
) -> None:
    uid = deliver(alice, octets)
    for page in ("", "html/", "source/", "reply/", "reply-all/", "forward/"):
        assert signed_in.get(where(alice, uid) + page).status_code == 200
    assert signed_in.get(where(alice, uid) + "download/").content == octets
    assert signed_in.get(f"/mail/{mailbox_id(alice)}/").status_code == 200


def test_a_message_that_has_gone_is_not_found(signed_in: Client, alice: Account, deliver: Deliver) -> None:
    uid = deliver(alice, mailbox="Trash", flags=Flag.SEEN)
    page = where(alice, uid, "Trash")
    signed_in.post(f"/mail/{mailbox_id(alice, 'Trash')}/act/", {"act": "delete", "uid": uid})
    for what in ("", "html/", "source/", "download/", "parts/1/", "reply/"):
        assert signed_in.get(page + what).status_code == 404


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<img src=x onerror=alert(1)>", "<img>"),
        (
            "<a href=' JaVaScRiPt:alert(1)'>x</a>",
            '<a target="_blank" rel="noopener noreferrer nofollow">x</a>',
        ),
        ('<p style="background:url(https://t.test/x)">x</p>', "<p>x</p>"),
        ('<p style="color: red; position: fixed">x</p>', '<p style="color:red">x</p>'),
        ('<img src="data:image/svg+xml,<svg/>">', "<img>"),
        ("<svg><script>alert(1)</script></svg><math></math>", ""),
        ('<iframe src="https://x.test"></iframe><base href="https://x.test"><meta http-equiv=refresh>', ""),
    ],
)
def test_what_could_do_harm_is_left_out(html: str, clean: str) -> None:
    assert clean_html(html, inline_images={}, show_images=False) == clean


def test_remote_images_are_noticed_however_they_are_written() -> None:
    assert has_remote_images('<IMG\nwidth=1 SRC = "HTTPS://x.test/a.gif">')
    assert not has_remote_images('<img src="cid:a"><a href="https://x.test/">src</a>')


def test_links_in_plain_text_are_links_and_nothing_else_is_markup() -> None:
    html = to_html('See https://x.test/a_(b)?c=1&d="2". <b>\n> quoted\n')
    assert '<a href="https://x.test/a_(b)?c=1&amp;d=" target="_blank"' in html
    assert "&lt;b&gt;" in html
    assert '<span class="quoted">&gt; quoted\n</span>' in html
    assert 'href="https://y.test"' in to_html("(see https://y.test).")
    assert "<a" not in to_html("javascript:alert(1) mailto:x")


def test_a_letter_of_nothing_but_image_tags_costs_no_more_than_its_length() -> None:
    assert not has_remote_images("<img " * 20_000)


def test_the_previous_and_the_next_message_are_one_click_away(
    signed_in: Client, alice: Account, deliver: Deliver
) -> None:
    uids = [deliver(alice, LETTER) for _ in range(3)]
    page = signed_in.get(where(alice, uids[1]))
    assert (page.context["newer"], page.context["older"]) == (uids[2], uids[0])
