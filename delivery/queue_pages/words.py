"""Verbs and filters in words, as the pages say them."""

from typing import Final

from django.utils import timezone
from django.utils.formats import date_format

from delivery.queue.filtering import QueueFilter
from delivery.queue.verbs import Verb

HEADINGS: Final = {
    Verb.HOLD: "Hold",
    Verb.RELEASE: "Release",
    Verb.RETRY: "Retry now",
    Verb.DEFER: "Put off",
    Verb.BOUNCE: "Bounce",
    Verb.CANCEL: "Cancel",
    Verb.REDIRECT: "Redirect",
}
DOES: Final = {
    Verb.HOLD: "Nothing of it is sent until it is released.",
    Verb.RELEASE: "What is held is sent, and has its whole time again.",
    Verb.RETRY: "It is tried now, also where its next hop fails and is being left alone.",
    Verb.DEFER: "It is not tried before the time that you choose.",
    Verb.BOUNCE: "It is given up, and its sender is told.",
    Verb.CANCEL: "It is given up, and nobody is told.",
    Verb.REDIRECT: "It is sent to another host or domain. Its addresses stay; mail for accounts here is left alone.",
}
DONE: Final = {
    Verb.HOLD: "held",
    Verb.RELEASE: "released",
    Verb.RETRY: "to be tried now",
    Verb.DEFER: "put off",
    Verb.BOUNCE: "bounced",
    Verb.CANCEL: "cancelled",
    Verb.REDIRECT: "redirected",
}
CONDITIONS: Final = {
    "sender": "from",
    "recipient": "to",
    "domain": "to the domain",
    "next_hop": "waiting for",
    "account": "sent by",
    "reply": "last reply has",
}


def told(asked: QueueFilter) -> list[tuple[str, str]]:
    """The conditions, in words; () for none. Whose mail it is goes without saying."""
    if asked.ids:
        return [("ticked", f"{len(asked.ids):,}")]
    words = [(word, value) for name, word in CONDITIONS.items() if (value := getattr(asked, name))]
    if asked.states:
        words.insert(0, ("state", ", ".join(asked.states)))
    for word, moment in (("queued before", asked.before), ("queued since", asked.since)):
        if moment is not None:
            words.append((word, date_format(timezone.localtime(moment), "j M, H:i")))
    return words
