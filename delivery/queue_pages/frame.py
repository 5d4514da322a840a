"""Where the pages stand, in the administration or in the panel, and whose mail they reach there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from delivery.models import Holder
from delivery.queue.verbs import Verb


@dataclass(frozen=True, slots=True)
class Frame:
    """Everything that differs between the two.

    by: who acts. sent_from: accounts of these domains have sent all that is reached; None: everybody. names: what the
    URLs of the pages are called, such as "panel:queue". show: makes a page, given the body's template and its context.
    message_page, recipient_page: what the URLs of a message's whole way (`?id=`) and of one recipient are called; ""
    where there is none.
    """

    by: str
    sent_from: tuple[str, ...] | None
    names: str
    show: Callable[[HttpRequest, str, Mapping[str, Any], int], HttpResponse]
    message_page: str = ""
    recipient_page: str = ""

    @property
    def holder(self) -> Holder:
        """As whom verbs are ordered."""
        return Holder.OPERATOR if self.sent_from is None else Holder.ADMINISTRATOR

    @property
    def verbs(self) -> tuple[Verb, ...]:
        """Where mail goes is the host's business."""
        return tuple(verb for verb in Verb if self.sent_from is None or verb is not Verb.REDIRECT)

    def url(self, page: str = "", *args: int) -> str:
        """Where the page is: "" the queue, "numbers", "preview", "order" or "stop"."""
        return reverse(f"{self.names}-{page}" if page else self.names, args=args)

    def page(self, request: HttpRequest, body: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """The body in its frame."""
        urls = {page: self.url(page) for page in ("numbers", "preview")} | {"queue": self.url()}
        return self.show(request, body, {"frame": self, "urls": urls, **context}, status)
