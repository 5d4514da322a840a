"""One message: its page, its HTML in a frame that can do nothing, its attachments, its source."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

from mailhost.webmail import plain_text
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.cleaning import clean_html, has_remote_images
from mailhost.webmail.folders import kind, label
from mailhost.webmail.listing import neighbours
from mailhost.webmail.pages.frame import show
from mailhost.webmail.reading import (
    attached,
    inline_images,
    mark_seen,
    read_letter,
    read_octets,
)
from mailhost.webmail.reasons import why

MAX_SOURCE_OCTETS = 1 << 20  # shown; the download has all
# The frame's own policy: no script, no form, no frame, nothing loaded but images that are asked for. `sandbox` gives
# the page an origin of its own even where somebody opens its address by itself.
POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src data:{images}; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
# Shown by browsers as nothing that can run; all else is handed over as octets.
SAFE_TYPES = {"application/pdf", "image/gif", "image/jpeg", "image/png", "image/webp", "text/plain"}


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
        newer=newer,
        older=older,
    )


@require_GET
@xframe_options_sameorigin
@for_account_holders
def show_html(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int) -> HttpResponse:
    """The message's HTML, cleaned, for the sandboxed frame; `?images` shows those from other hosts."""
    letter = read_letter(desk.mailbox(mailbox_id), uid)
    show_images = "images" in request.GET
    body = clean_html(
        letter.message.text_html or "", inline_images=inline_images(letter), show_images=show_images
    )
    response = render(request, "webmail/framed.html", {"body": body})
    response["Content-Security-Policy"] = POLICY.format(images=" https: http:" if show_images else "")
    response["Referrer-Policy"] = "no-referrer"
    return response


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
    return _file(read_octets(desk.mailbox(mailbox_id), uid), "application/octet-stream", f"message-{uid}.eml")


@require_GET
@for_account_holders
def download_part(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int, section: str) -> HttpResponse:
    """One attachment."""
    part = attached(read_octets(desk.mailbox(mailbox_id), uid), section)
    content_type = part.content_type if part.content_type in SAFE_TYPES else "application/octet-stream"
    return _file(part.octets, content_type, part.filename)


def _file(octets: bytes, content_type: str, filename: str) -> HttpResponse:
    response = HttpResponse(octets, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, filename)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
