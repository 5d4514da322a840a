"""What was held back: to be looked at, and to be taken or let go."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from delivery import quarantine
from delivery.filters.correcting import consequences
from mailboxes.exceptions import QuotaExceeded
from mailboxes.sender_rules import TooManySenderRules
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.cleaning import has_remote_images
from mailhost.webmail.foresight import foretell
from mailhost.webmail.pages.frame import show
from mailhost.webmail.pages.untrusted import attachment, framed
from mailhost.webmail.reading import read_held_letter
from mailhost.webmail.reasons import of_held

MAX_SHOWN = 200
MAX_NAMED = 5  # of authors that are let in
ACTS = ("release", "let-in", "discard")


@require_GET
@for_account_holders
def show_quarantine(request: HttpRequest, desk: Desk) -> HttpResponse:
    """The newest messages that are held, with why."""
    held = quarantine.read_held(account_id=desk.account.pk, limit=MAX_SHOWN)
    return show(request, desk, "webmail/quarantine.html", held=held, is_quarantine=True)


@require_GET
@for_account_holders
def show_held(request: HttpRequest, desk: Desk, held_id: int) -> HttpResponse:
    """One of them, with all that was found. Its links lead nowhere, and it loads nothing."""
    held, letter = read_held_letter(account_id=desk.account.pk, held_id=held_id)
    html = letter.message.text_html
    return show(
        request,
        desk,
        "webmail/held.html",
        is_quarantine=True,
        held=held,
        letter=letter,
        message=letter.message,
        text=format_html("{}", letter.message.text_plain or "") if html is None else "",
        has_remote_images=html is not None and has_remote_images(html),
        why=of_held(held, letter),
    )


@require_GET
@xframe_options_sameorigin
@for_account_holders
def show_held_html(request: HttpRequest, desk: Desk, held_id: int) -> HttpResponse:
    """Its HTML for the frame."""
    _, letter = read_held_letter(account_id=desk.account.pk, held_id=held_id)
    return framed(request, letter, links_open=False)


@require_GET
@for_account_holders
def download_held_part(request: HttpRequest, desk: Desk, held_id: int, section: str) -> HttpResponse:
    """One attachment, where the message is not held for what it carries."""
    held, letter = read_held_letter(account_id=desk.account.pk, held_id=held_id)
    if held.is_dangerous:
        raise Http404("What it carries can be had once it is released.")
    return attachment(letter.octets, section)


@require_POST
@for_account_holders
def act_on_held(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Release, let in or discard those that were chosen, or the one whose own button was pressed."""
    wanted, one = request.POST.get("act", ""), ""
    for act in ACTS:
        if own := request.POST.get(f"{act}-one"):
            wanted, one = act, own
    chosen = [one] if one else request.POST.getlist("id")[:MAX_SHOWN]
    ids = [int(text) for text in chosen if text.isascii() and text.isdigit() and len(text) <= 18]
    if not ids:
        messages.warning(request, "Choose messages first.")
        return redirect("webmail:quarantine")
    try:
        _do(request, desk, wanted, ids)
    except QuotaExceeded:
        messages.warning(request, "There is no room for that in your account. Delete something first.")
    except TooManySenderRules as fact:
        messages.warning(request, str(fact))
    return redirect("webmail:quarantine")


def _do(request: HttpRequest, desk: Desk, wanted: str, ids: list[int]) -> None:
    who, now = desk.account, timezone.now()

    def release() -> tuple[int, list[str]]:
        if wanted == "let-in":
            return quarantine.release_and_let_in(account_id=who.pk, ids=ids, by=who.login, now=now)
        return quarantine.release(account_id=who.pk, ids=ids, by=who.login, now=now), []

    if wanted == "discard":
        count = quarantine.discard(account_id=who.pk, ids=ids, by=who.login)
        messages.success(request, f"{_messages(count)} deleted.")
    elif wanted in ACTS:
        content_ids = quarantine.held_content_ids(account_id=who.pk, ids=ids)
        (count, authors), changed = consequences(
            account_id=who.pk, content_ids=content_ids, correct=release, now=now
        )
        messages.success(request, f"{_messages(count)} moved to your inbox.")
        if authors:
            whose = _joined(authors)
            messages.success(request, f"Mail from {whose} is let in where it is proven to be from there.")
        if count and (sentence := foretell(changed, is_lesson=True)):
            messages.info(request, sentence)


def _joined(words: list[str]) -> str:
    shown = words[:MAX_NAMED]
    more = [f"{len(words) - MAX_NAMED} more"] if len(words) > MAX_NAMED else []
    *first, last = [*shown, *more]
    return f"{', '.join(first)} and {last}" if first else last


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
