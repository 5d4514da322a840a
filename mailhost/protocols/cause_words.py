"""What a cause (bounce_causes.py) means, and the next step, in words for the person whose message it was."""

from typing import Final

from mailhost.protocols.bounce_causes import Cause, listed_by

_ASK_ADMINISTRATOR: Final = "Tell your mail administrator: the other server's own words are below."
WORDS: Final = {
    Cause.NO_SUCH_USER: (
        "There is no such address there.",
        "Check the address for typing mistakes, or ask the recipient for the right one.",
    ),
    Cause.NO_SUCH_DOMAIN: ("There is no such domain.", "Check the part after the @ for typing mistakes."),
    Cause.TAKES_NO_MAIL: (
        "The domain says that it takes no mail at all.",
        "Check the part after the @, or reach the recipient another way.",
    ),
    Cause.DISABLED: ("The recipient's mailbox is disabled.", "Reach the recipient another way."),
    Cause.FULL: (
        "The recipient's mailbox is full.",
        "Try again later, or tell the recipient another way.",
    ),
    Cause.TOO_LARGE: (
        "The message is larger than the other server takes.",
        "Send it with smaller attachments, or share the files with a link.",
    ),
    Cause.LISTED: (
        "The other server does not trust this mail server's address or domain at the moment.",
        "Tell your mail administrator: the address has to be taken off a list, or earn trust again.",
    ),
    Cause.NO_REVERSE_NAME: (
        "The other server wants the address of this mail server to have a name, and finds none that fits.",
        "Tell your mail administrator: the reverse name (PTR record) of the address has to be set.",
    ),
    Cause.SENDER: (
        "The other server does not accept the address that the message was sent from.",
        "Check your sender address; if it is right, tell your mail administrator.",
    ),
    Cause.AUTHENTICATION: (
        "The other server could not verify that the message comes from your domain (SPF, DKIM or DMARC).",
        "Tell your mail administrator: the domain's records have to be checked.",
    ),
    Cause.CONTENT: (
        "The other server takes the message for unwanted or dangerous.",
        "Send it with other words, without links and attachments, or reach the recipient another way.",
    ),
    Cause.GREYLISTED: (
        "The other server wants to see the message a second time before it takes it.",
        "Nothing need be done while it is tried further; if it failed, send it again.",
    ),
    Cause.RATE: (
        "The other server takes no more messages at the moment: there were too many.",
        "Wait before you send more. " + _ASK_ADMINISTRATOR,
    ),
    Cause.RELAYING: (
        "The other server says that it does not take mail for this address.",
        "Check the part after the @. If it is right, its owner must repair the domain's records.",
    ),
    Cause.DNS: (
        "No mail server could be found for the domain.",
        "Check the part after the @, and try again later.",
    ),
    Cause.NO_CONNECTION: (
        "The recipient's mail server did not answer, or not to the end.",
        "Try again later. If it goes on, tell the recipient another way.",
    ),
    Cause.TLS: ("The two mail servers could not agree on encryption.", _ASK_ADMINISTRATOR),
    Cause.TROUBLE: (
        "The recipient's mail system has trouble of its own, or has just been stopped.",
        "Send it again later. If it goes on, tell the recipient another way.",
    ),
    Cause.SET_UP: (
        "This mail server's own way out is not set up right.",
        "Tell your mail administrator. What waits leaves by itself once that is mended.",
    ),
    Cause.LOOP: (
        "The message would have gone round in circles.",
        "Tell your mail administrator: an address or domain is forwarded to itself.",
    ),
    Cause.GIVEN_UP: (
        "Whoever runs this mail server, or your domain, has given the message up. No other server refused it.",
        "Ask your mail administrator why.",
    ),
    Cause.TIME_OVER: (
        "The message could not be brought to the recipient before its time was up.",
        "Send it again later. If it goes on, tell the recipient another way.",
    ),
    Cause.POLICY: (
        "The other server refused the message for its own rules or for reasons of security.",
        "Ask the recipient, or their mail administrator, why. Their server's own words are below.",
    ),
    Cause.OTHER: (
        "The other server did not accept the message.",
        "Its own words are below; they may say what to do.",
    ),
}


_IS_TRIED_AGAIN: Final = "It is tried again by itself: do not send it again."
_IN_HASTE: Final = f"{_IS_TRIED_AGAIN} If there is no time for that, reach the recipient another way."
# Of what waits: whoever did what is to be done about what came back would send it twice.
_WHILE_IT_WAITS: Final = {
    Cause.FULL: _IN_HASTE,
    Cause.CONTENT: _IN_HASTE,
    Cause.GREYLISTED: f"Nothing need be done. {_IS_TRIED_AGAIN}",
    Cause.RATE: f"{_IS_TRIED_AGAIN} Wait before you send more there. {_ASK_ADMINISTRATOR}",
    Cause.DNS: f"{_IS_TRIED_AGAIN} But check the part after the @ for typing mistakes.",
    Cause.NO_CONNECTION: _IN_HASTE,
    Cause.TROUBLE: _IN_HASTE,
    Cause.TIME_OVER: _IN_HASTE,
    Cause.OTHER: f"{_IS_TRIED_AGAIN} Its own words are below; they may say what else to do.",
}


SUPPRESSED: Final = "Not sent."
"""How a sentence of this host begins that was not tried, because mail to the address had come back before."""
NOT_SENT: Final = (
    "Nothing was sent to this address: what was sent there came back, its owner complained, or it was asked for.",
    "If you know better, have the address taken off the suppression list: the line below says who can.",
)


def cause_words(cause: Cause, *, reply: str = "", waits: bool = False) -> tuple[str, str]:
    """What it means, and the next step. The list that the reply names is named; what was never tried is not said of
    the other server. waits: it is tried further, and need not be sent again."""
    if reply.startswith(SUPPRESSED):
        return NOT_SENT
    what, step = WORDS[cause]
    step = _WHILE_IT_WAITS.get(cause, step) if waits else step
    name = listed_by(reply) if cause is Cause.LISTED else ""
    if name:
        what = f"This mail server's address is on a list that the other server asks: {name}."
    return what, step


_ADMINISTRATORS_STEPS: Final = {
    Cause.LISTED: "Find out what was sent that should not have been, stop it, then ask the list or the provider to "
    "take the address off. Until then mail can leave by another address or a smarthost.",
    Cause.NO_REVERSE_NAME: "Have whoever gave you the address set its reverse name (PTR) to this host's name, and that "
    "name lead back to the address.",
    Cause.SENDER: "Check that the sender's domain has MX or address records, and that its SPF record names this host.",
    Cause.AUTHENTICATION: "Check the domain's SPF, DKIM and DMARC records: the delivery test and the DKIM page say "
    "which is missing.",
    Cause.CONTENT: "Look at what was sent: where it is no mistake, ask the provider's postmaster.",
    Cause.GREYLISTED: "Nothing need be done: it is tried again by itself.",
    Cause.RATE: "It is tried again, more slowly. Look who sends so much; let big mailings go out over hours.",
    Cause.TLS: "Run the delivery test: it says where encryption fails, and whether a policy asks for it.",
    Cause.SET_UP: "Look at the route, or at MAILHOST_RELAY where there is none: host, port, login, encryption, "
    "addresses to send from. Try it from its page.",
    Cause.LOOP: "Look for an alias or a domain whose mail is led back here.",
    Cause.NO_CONNECTION: "Run the delivery test. Where others are reached, theirs is away: it is tried again.",
    Cause.DNS: "Run the delivery test. Where others are found, their name servers fail: it is tried again.",
    Cause.TROUBLE: "Read the other server's own words. Where it goes on for days, ask its postmaster.",
    Cause.GIVEN_UP: "The audit trail says who gave it up; operators see it.",
    Cause.POLICY: "Read the other server's own words, and ask its postmaster.",
    Cause.OTHER: "Read the other server's own words.",
}


def administrators_step(cause: Cause, *, reply: str = "", waits: bool = False) -> str:
    """The next step of whoever runs the host or the domain that the message is from. waits: as in cause_words."""
    if reply.startswith(SUPPRESSED):
        return "Where somebody knows better, take the address off the suppression list."
    return _ADMINISTRATORS_STEPS.get(cause) or cause_words(cause, reply=reply, waits=waits)[1]
