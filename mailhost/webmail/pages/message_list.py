"""A mailbox's list of messages, and the buttons above it."""

from functools import partial

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from delivery.filters.correcting import consequences
from delivery.quarantine import held_count
from delivery.taking_back import waiting_count
from mailboxes.exceptions import NotPermitted, QuotaExceeded
from mailboxes.store.values import MailboxEntry
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.acts import EMPTIED, Act, perform, teaches
from mailhost.webmail.folders import kind, label
from mailhost.webmail.foresight import foretell
from mailhost.webmail.leaving import with_times
from mailhost.webmail.listing import read_page
from mailhost.webmail.pages.frame import ASK_NO_MORE, next_page, show
from mailhost.webmail.reading import content_ids
from mailhost.webmail.whereabouts import marks_at, with_marks

MAX_CHOSEN = 1_000  # a page shows fifty; more are made by hand


@require_GET
@for_account_holders
def start(request: HttpRequest, desk: Desk) -> HttpResponse:
    """Mail begins with the inbox."""
    return redirect("webmail:list", desk.inbox().mailbox_id)


@require_GET
@for_account_holders
def show_list(request: HttpRequest, desk: Desk, mailbox_id: int) -> HttpResponse:
    """One page of a mailbox; `?before=UID` and `?after=UID` are the ones below and above."""
    entry = desk.mailbox(mailbox_id)
    page = read_page(
        entry,
        older_than=_number(request.GET.get("before")),
        newer_than=_number(request.GET.get("after")),
    )
    page = with_times(page, entry, account=desk.account, now=timezone.now())
    return show(
        request,
        desk,
        "webmail/list.html",
        entry=entry,
        is_list=True,
        label=label(entry),
        kind=kind(entry),
        page=with_marks(page, entry, account=desk.account),
        can_empty=entry.special_use in EMPTIED and entry.message_count > 0,
        here=request.get_full_path(),
    )


@require_GET
@for_account_holders
def news(request: HttpRequest, desk: Desk) -> HttpResponse:
    """What an open page asks for by itself: the counts as they are now, and whether something has arrived.

    `?at=` is the mailbox that is shown, `known=` its UIDNEXT then. The list itself is left alone: somebody may be
    choosing messages in it.
    """
    at, known = _number(request.GET.get("at")), _number(request.GET.get("known"))
    entry = desk.mailbox(at) if at is not None else None
    context = {
        "folders": desk.folders(),
        "held_count": held_count(account_id=desk.account.pk),
        "waiting_count": waiting_count(account_id=desk.account.pk),
        "has_outbox": desk.has_outbox(),
        "entry": entry,
        "arrived": entry is not None and known is not None and entry.uid_next > known,
    }
    return render(request, "webmail/news.html", context)


@require_GET
@for_account_holders
def marks(request: HttpRequest, desk: Desk, mailbox_id: int) -> HttpResponse:
    """What an open list asks for while something in it is under way: the marks alone, put where they belong."""
    uids = [uid for text in request.GET.getlist("uid") if (uid := _number(text)) is not None]
    found = marks_at(desk.mailbox(mailbox_id), uids, account=desk.account)
    is_moving = any(mark is not None and mark.is_moving for mark in found.values())
    return render(request, "webmail/marks.html", {"marks": found}, status=200 if is_moving else ASK_NO_MORE)


@require_POST
@for_account_holders
def act(request: HttpRequest, desk: Desk, mailbox_id: int) -> HttpResponse:
    """A button was pressed for the messages chosen; afterwards the list again, or the page that the form names."""
    entry = desk.mailbox(mailbox_id)
    back = next_page(request, reverse("webmail:list", args=[mailbox_id]))
    wanted, chosen = request.POST.get("act", ""), request.POST.getlist("uid")
    for one in (Act.FLAG, Act.UNFLAG):  # the star in a line says which line by itself
        if line := request.POST.get(f"{one}-one"):
            wanted, chosen = one, [line]
    uids = [uid for text in chosen[:MAX_CHOSEN] if (uid := _number(text)) is not None]
    if wanted not in set(Act):
        return redirect(back)
    if not uids and wanted != Act.EMPTY:
        messages.warning(request, "Choose messages first.")
        return redirect(back)
    to_mailbox_id = _number(request.POST.get("to"))
    if wanted == Act.MOVE and to_mailbox_id is None:
        messages.warning(request, "Choose the folder to move to first.")
        return redirect(back)
    try:
        sentence, next_one = _do(desk, entry, Act(wanted), uids, to_mailbox_id)
    except NotPermitted:
        messages.warning(
            request, "The folder is somebody else's, who has not given you the right to do that."
        )
        return redirect(back)
    except QuotaExceeded:
        messages.warning(request, "There is no room for that in the account it would go to.")
        return redirect(back)
    if sentence:
        messages.success(request, sentence)
    if next_one:
        messages.info(request, next_one)
    return redirect(back)


def _do(
    desk: Desk, entry: MailboxEntry, act: Act, uids: list[int], to_mailbox_id: int | None
) -> tuple[str, str]:
    """Does it; what was done, and what would become of the next messages like these where the filter was told so."""
    now = timezone.now()
    todo = partial(perform, desk, entry, act, uids, to_mailbox_id=to_mailbox_id, now=now)
    if not teaches(desk, entry, act, to_mailbox_id=to_mailbox_id):
        return todo(), ""
    chosen = content_ids(entry, uids)
    done, changed = consequences(account_id=desk.account.pk, content_ids=chosen, correct=todo, now=now)
    return done, foretell(changed, is_lesson=True) if chosen else ""


def _number(text: str | None) -> int | None:
    """A UID or an id out of an address or a form; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else None
