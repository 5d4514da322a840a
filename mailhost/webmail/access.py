"""Who may see which mailbox: every page is given those of the signed-in account, and finds its in there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.cache import patch_cache_control

from mailboxes.exceptions import MailboxNotFound
from mailboxes.models import Account
from mailboxes.store.rights import list_all
from mailboxes.store.values import MailboxEntry
from mailhost.net.reader_time import reader_time_zone
from mailhost.webmail.folders import Folder, arrange
from mailhost.webmail.reading import MessageNotFound

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Desk:
    """An account with its living mailboxes, and those of others that it reads and has subscribed to (RFC 4314).

    That is all that its pages may reach. What it may do in another's mailbox the store decides.
    """

    account: Account
    entries: tuple[MailboxEntry, ...]

    @classmethod
    def of(cls, account: Account) -> "Desk":
        """Reads the mailboxes: two statements."""
        entries: Iterable[MailboxEntry] = list_all(account_id=account.pk)
        return cls(account, tuple(entry for entry in entries if _is_shown(entry, account)))

    def mailbox(self, mailbox_id: int) -> MailboxEntry:
        """The mailbox of this id. Raises MailboxNotFound, also where it is somebody else's and not shown here."""
        for entry in self.entries:
            if entry.mailbox_id == mailbox_id:
                return entry
        raise MailboxNotFound(str(mailbox_id))

    def inbox(self) -> MailboxEntry:
        """The one mailbox that every account has."""
        return next(entry for entry in self.entries if entry.name == "INBOX")

    def by_use(self, special_use: str) -> MailboxEntry | None:
        """The mailbox of this special use, if the account has one."""
        return next((entry for entry in self.entries if entry.special_use == special_use), None)

    def folders(self) -> list[Folder]:
        """The mailboxes as the page's side shows them."""
        return arrange(self.entries)

    def has_outbox(self) -> bool:
        """Whether what waits is among the mailboxes, as it is from the first such message on."""
        return any(folder.icon == "outbox" for folder in self.folders())

    def used_octets(self) -> int:
        """What all messages of its own take."""
        return sum(entry.size_octets for entry in self.entries if entry.account_id == self.account.pk)


def _is_shown(entry: MailboxEntry, account: Account) -> bool:
    if entry.account_id != account.pk:
        return entry.is_subscribed and "r" in entry.rights
    return entry.exists


def for_account_holders(
    page: Callable[Concatenate[HttpRequest, Desk, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Gives a page the signed-in account's desk. Others are sent to sign in, or to the administration."""

    @wraps(page)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        account = request.user
        if not isinstance(account, Account):
            if "HX-Request" in request.headers:
                return HttpResponse(status=204)  # an open page asked by itself: it is left as it is
            return redirect_to_login(
                request.get_full_path() if request.method == "GET" else "/mail/", "sign-in"
            )
        if account.address_id is None:
            return redirect("admin:index")
        try:
            with timezone.override(reader_time_zone(request)):
                response = page(request, Desk.of(account), *args, **kwargs)
        except (MailboxNotFound, MessageNotFound) as fact:
            raise Http404(str(fact)) from fact
        if "Cache-Control" not in response.headers:
            # Not no-store: a browser that goes back to a page finds the text that was typed there.
            patch_cache_control(response, private=True, no_cache=True)
        return response

    return guarded
