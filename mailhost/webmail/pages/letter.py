"""One message: its page, its HTML in a frame that can do nothing, its attachments, its source."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from mailboxes.store.values import MailboxEntry
from mailhost.webmail import plain_text
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.cleaning import has_remote_images
from mailhost.webmail.folders import kind, label
from mailhost.webmail.leaving import leaving_at
from mailhost.webmail.listing import neighbours
from mailhost.webmail.pages.frame import ASK_NO_MORE, show
from mailhost.webmail.pages.untrusted import attachment, framed, to_keep
from mailhost.webmail.reading import mark_seen, read_letter, read_octets
from mailhost.webmail.reasons import why
from mailhost.webmail.whereabouts import digest, needs_a_look, status_at

MAX_SOURCE_OCTETS = 1 << 20  # shown; the download has all
MAX_OPEN = (
    3  # recipients whose delivery is shown unasked; of more there is one line, unless something is wrong
)


@require_GET
@for_account_holders
def show_letter(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int) -> HttpResponse:
    """The message's page; opening it marks it as seen."""
    entry = desk.mailbox(mailbox_id)
    letter = read_letter(entry, uid)
    mark_seen(entry, letter, acting_id=desk.account.pk, now=timezone.now())
    newer, older = neighbours(entry, uid)
    html = letter.message.text_html
    return show(
        request,
        Desk.of(desk.account),  # with the count as it is now
        "webmail/letter.html",
        entry=entry,
        label=label(entry),
        kind=kind(entry),
        letter=letter,
        message=letter.message,
        text=plain_text.to_html(letter.message.text_plain or "") if html is None else "",
        has_remote_images=html is not None and has_remote_images(html),
        show_images="images" in request.GET,
        why=why(letter, account_id=desk.account.pk) if entry.account_id == desk.account.pk else None,
        leaves=leaving_at(entry, uid, account=desk.account, now=timezone.now()),
        newer=newer,
        older=older,
        **_delivery(desk, entry, uid),
    )


@require_GET
@for_account_holders
def show_delivery(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int) -> HttpResponse:
    """What became of a message that was sent, as it is now: what its open page asks for while something moves.

    Once nothing does, the answer tells htmx by its status to ask no more.
    """
    told = _delivery(desk, desk.mailbox(mailbox_id), uid)
    is_over = told["delivery"] is None or not told["delivery"].counts.is_moving
    return render(request, "webmail/delivery.html", told, status=ASK_NO_MORE if is_over else 200)


def _delivery(desk: Desk, entry: MailboxEntry, uid: int) -> dict[str, Any]:
    status = status_at(entry, uid, account=desk.account)
    if status is None:
        return {"delivery": None}
    return {
        "delivery": status,
        "digest": digest(status.counts),
        "is_open": needs_a_look(status.counts) or status.counts.total <= MAX_OPEN,
    }


@require_GET
@xframe_options_sameorigin
@for_account_holders
def show_html(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int) -> HttpResponse:
    """The message's HTML, cleaned, for the sandboxed frame; `?images` shows those from other hosts."""
    letter = read_letter(desk.mailbox(mailbox_id), uid)
    return framed(request, letter, show_images="images" in request.GET)


@require_GET
@for_account_holders
def show_source(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int) -> HttpResponse:
    """The message as it came, to look at."""
    entry = desk.mailbox(mailbox_id)
    octets = read_octets(entry, uid)
    return show(
        request,
        desk,
        "webmail/source.html",
        entry=entry,
        uid=uid,
        source=octets[:MAX_SOURCE_OCTETS].decode("utf-8", "replace"),
        is_cut=len(octets) > MAX_SOURCE_OCTETS,
    )


@require_GET
@for_account_holders
def download(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int) -> HttpResponse:
    """The message as it came, to keep."""
    octets = read_octets(desk.mailbox(mailbox_id), uid)
    return to_keep(octets, "application/octet-stream", f"message-{uid}.eml")


@require_GET
@for_account_holders
def download_part(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int, section: str) -> HttpResponse:
    """One attachment."""
    return attachment(read_octets(desk.mailbox(mailbox_id), uid), section)
