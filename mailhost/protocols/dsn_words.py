"""What an enhanced status code (RFC 3463) means, in words for the person whose message it was."""

from typing import Final

from mailhost.protocols.bounce_causes import said_cause
from mailhost.protocols.cause_words import NOT_SENT, SUPPRESSED, cause_words

# Most telling first: a whole code, then its subject ("1" is addressing), as RFC 3463 section 3 orders them.
_BY_DETAIL: Final = {
    "1.1": (
        "There is no such address there.",
        "Check the address for typing mistakes, or ask the recipient for the right one.",
    ),
    "1.2": ("There is no such domain.", "Check the part after the @ for typing mistakes."),
    "1.3": ("The other server does not understand the address.", "Check the address for typing mistakes."),
    "1.6": ("The recipient has moved, and left no new address.", "Ask the recipient for the new address."),
    "1.10": (
        "The domain says that it takes no mail at all.",
        "Check the part after the @, or reach the recipient another way.",
    ),
    "2.1": ("The recipient's mailbox is disabled.", "Reach the recipient another way."),
    "2.2": ("The recipient's mailbox is full.", "Try again later, or tell the recipient another way."),
    "2.3": (
        "The message is larger than the recipient may receive.",
        "Send it with smaller attachments, or share the files with a link.",
    ),
    "3.3": (
        "The next server does not know a demand of the message.",
        "Send it without that demand. What it is stands below.",
    ),
    "3.4": (
        "The message is larger than the other server takes.",
        "Send it with smaller attachments, or share the files with a link.",
    ),
    "4.1": (
        "The recipient's mail server did not answer.",
        "Try again later. If it goes on, tell the recipient another way.",
    ),
    "4.3": ("The domain could not be looked up.", "Check the part after the @, and try again later."),
    "4.4": (
        "No mail server could be found for the domain.",
        "Check the part after the @. If it is right, its owner must repair the domain's records.",
    ),
    "4.6": (
        "The message would have gone round in circles: the domain leads back to this host.",
        "Tell your mail administrator: the domain's records and this host disagree.",
    ),
    "4.7": (
        "The recipient's mail server could not be reached, or put the message off until time was up.",
        "Send it again later. If it goes on, tell the recipient another way.",
    ),
    "6.7": (
        "An address has characters that the other server cannot handle.",
        "Use an address in plain ASCII letters, if there is one.",
    ),
    "6.9": (
        "The header of the message has characters that the other server cannot handle.",
        "Write subject and names in plain ASCII letters.",
    ),
    "7.10": (
        "The message may only travel encrypted and to a server that was verified, and the next one could not be.",
        "Send it without REQUIRETLS, or reach the recipient another way.",
    ),
    "7.30": (
        "The message asks for encryption on all its way, and the next server does not promise that.",
        "Send it without REQUIRETLS, or reach the recipient another way.",
    ),
    "7.1": (
        "The other server does not accept this message from you.",
        "Ask the recipient, or their mail administrator, why. Their server's own words are below.",
    ),
}
_BY_SUBJECT: Final = {
    "1": ("The address was not accepted.", "Check the address for typing mistakes."),
    "2": (
        "The recipient's mailbox does not take the message.",
        "Try again later, or reach the recipient another way.",
    ),
    "3": ("The recipient's mail system could not take the message.", "Try again later."),
    "4": ("The message could not be brought to the recipient's mail system.", "Try again later."),
    "5": ("The two mail servers did not understand each other.", "Tell your mail administrator."),
    "6": ("The other server cannot handle the content of the message.", "Send it in a simpler form."),
    "7": (
        "The other server refused the message for its own rules or for reasons of security.",
        "Ask the recipient, or their mail administrator, why. Their server's own words are below.",
    ),
}
_OTHERWISE: Final = (
    "The other server did not accept the message.",
    "Its own words are below; they may say what to do.",
)


def meaning(status: str, reply: str = "") -> tuple[str, str]:
    """What it means, and what to do about it; another server's words tell more than its code."""
    if reply[:3].isdigit() and (cause := said_cause(reply)):
        return cause_words(cause, reply=reply)
    if reply.startswith(SUPPRESSED):
        return NOT_SENT
    _, _, detail = status.partition(".")
    return _BY_DETAIL.get(detail) or _BY_SUBJECT.get(detail.partition(".")[0]) or _OTHERWISE
