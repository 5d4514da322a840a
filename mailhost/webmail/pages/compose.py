"""Writing: a new message, an answer, a forwarded one, a draft. What was typed is never lost to an error."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.views.decorators.http import require_http_methods

from delivery.sender_addresses import SenderAddress
from mailboxes.models.account import MAX_UNDO_SECONDS
from mailboxes.store.values import MailboxEntry
from mailhost.protocols.message.composing import Attachment
from mailhost.protocols.message.reading import AttachedPart
from mailhost.webmail.access import Desk, for_account_holders
from mailhost.webmail.answering import Beginning, Mode, begin, go_on
from mailhost.webmail.compose_form import ComposeForm
from mailhost.webmail.errors import AWAY
from mailhost.webmail.pages.frame import show
from mailhost.webmail.reading import Letter, attached, read_letter
from mailhost.webmail.sender_choice import first_choice, offered, own_addresses
from mailhost.webmail.sending import NotSent, Outgoing, Sent, Source, new_message_id, save_draft, send

TITLES = {
    Mode.NEW: "New message",
    Mode.REPLY: "Reply",
    Mode.REPLY_ALL: "Reply to all",
    Mode.FORWARD: "Forward",
    Mode.DRAFT: "Draft",
}
EMPTY = Beginning()


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why a message is written, as whom, and the one that it comes from."""

    senders: tuple[SenderAddress, ...]
    mode: Mode = Mode.NEW
    entry: MailboxEntry | None = None
    letter: Letter | None = None
    beginning: Beginning = EMPTY
    attached: tuple[AttachedPart, ...] = ()

    @property
    def source(self) -> Source | None:
        """The message that sending marks as answered, forwarded or no draft any more."""
        if self.entry is None or self.letter is None:
            return None
        return Source(self.entry, self.letter.uid, self.mode)


@require_http_methods(["GET", "POST"])
@for_account_holders
def compose_new(request: HttpRequest, desk: Desk) -> HttpResponse:
    """An empty form; `?to=` fills in a recipient."""
    beginning = Beginning(to=request.GET.get("to", "")[:1_000])
    return _write(request, desk, Occasion(offered(desk.account), beginning=beginning))


@require_http_methods(["GET", "POST"])
@for_account_holders
def compose_from(request: HttpRequest, desk: Desk, mailbox_id: int, uid: int, mode: str) -> HttpResponse:
    """A form that starts from a message: reply, reply-all, forward, or a draft to go on with."""
    if mode not in set(Mode) - {Mode.NEW}:
        raise Http404
    entry = desk.mailbox(mailbox_id)
    letter, why = read_letter(entry, uid), Mode(mode)
    senders = offered(desk.account)
    own = own_addresses(senders, entry)
    beginning = go_on(letter) if why is Mode.DRAFT else begin(letter, why, own=own)
    sender = first_choice(senders, entry, letter.message, why)
    beginning = replace(beginning, sender=str(sender.address))
    carried = letter.message.attachments if why in {Mode.FORWARD, Mode.DRAFT} else ()
    return _write(request, desk, Occasion(senders, why, entry, letter, beginning, carried))


def _write(request: HttpRequest, desk: Desk, occasion: Occasion) -> HttpResponse:
    if request.method != "POST":
        first = occasion.beginning
        initial = {
            "sender": first.sender,
            "to": first.to, "cc": first.cc, "bcc": first.bcc, "subject": first.subject, "text": first.text
        }  # fmt: skip
        form = ComposeForm(initial=initial, senders=occasion.senders, attached=occasion.attached)
        return _form(request, desk, occasion, form)
    form = ComposeForm(request.POST, request.FILES, senders=occasion.senders, attached=occasion.attached)
    if not form.is_valid():
        return _form(request, desk, occasion, form, status=422)
    outgoing = _outgoing(form, occasion)
    message_id, now = new_message_id(), timezone.now()
    try:
        if "save" in request.POST:
            drafts, uid = save_draft(desk, outgoing, source=occasion.source, message_id=message_id, now=now)
            messages.success(request, "Draft saved.")
            return redirect("webmail:compose-from", drafts.mailbox_id, uid, Mode.DRAFT)
        sent = send(
            desk,
            outgoing,
            source=occasion.source,
            message_id=message_id,
            now=now,
            peer=request.META.get("REMOTE_ADDR", ""),
            not_before=form.cleaned_data["later"],
        )
    except NotSent as refusal:
        for reason in refusal.reasons:
            form.add_error(None, reason)
        return _form(request, desk, occasion, form, status=422)
    except AWAY:
        form.add_error(
            None, "The database is away, so nothing was sent. Try again in a moment: your text is still here."
        )
        return _form(request, desk, occasion, form, status=503)
    _tell(request, sent, now)
    came_from = None if occasion.mode is Mode.DRAFT else occasion.entry
    back = came_from or desk.inbox()
    return redirect("webmail:list", back.mailbox_id)


def _tell(request: HttpRequest, sent: Sent, now: datetime) -> None:
    """Of what can be undone the page itself tells, for as long as that is so (frame.py)."""
    if sent.release_at is None:
        messages.success(request, "Message sent.")
    elif sent.release_at > now + timedelta(seconds=MAX_UNDO_SECONDS):
        leaves = date_format(timezone.localtime(sent.release_at), "j F Y, H:i")
        messages.success(request, f"The message leaves on {leaves}. Until then it waits in the outbox.")


def _outgoing(form: ComposeForm, occasion: Occasion) -> Outgoing:
    values, first = form.cleaned_data, occasion.beginning
    carried: list[Attachment] = []
    if occasion.letter is not None:
        for section in values["kept"]:
            part = attached(occasion.letter.octets, section)
            carried.append(Attachment(part.filename, part.content_type, part.octets))
    carried += [
        Attachment(file.name or "file", file.content_type or "application/octet-stream", file.read())
        for file in values["uploads"]
    ]
    return Outgoing(
        sender=form.senders.get(values["sender"], occasion.senders[0]),
        to=values["to"],
        cc=values["cc"],
        bcc=values["bcc"],
        subject=values["subject"],
        text=values["text"],
        in_reply_to=first.in_reply_to,
        references=first.references,
        attachments=tuple(carried),
    )


def _form(
    request: HttpRequest, desk: Desk, occasion: Occasion, form: ComposeForm, *, status: int = 200
) -> HttpResponse:
    chose_files = bool(form.is_bound and request.FILES)
    return show(
        request,
        desk,
        "webmail/compose.html",
        entry=occasion.entry,
        form=form,
        title=TITLES[occasion.mode],
        chose_files=chose_files,
        show_copies=bool(
            form["cc"].value() or form["bcc"].value() or form["cc"].errors or form["bcc"].errors
        ),
        occasion=occasion,
        offers_later=settings.FUTURE_RELEASE_MAX_SECONDS > 0,
        time_zone=timezone.get_current_timezone_name(),
        status=status,
    )
