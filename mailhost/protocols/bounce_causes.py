"""Why a message was refused or waits: a cause out of the enhanced status code (RFC 3463) and the reply's words.

Words come first, because many servers give 5.7.1 or 5.5.0 for everything; the code decides where they say nothing.
Replies of other servers are hostile text: a bounded part of them is looked at, with bounded repetitions.
"""

import re
from enum import StrEnum
from typing import Final

MAX_CHARACTERS: Final = 1_000  # of a reply that are looked at: as many as are kept of it


class Cause(StrEnum):
    """The value is stored with the recipient; cause_words.py says it to people."""

    NO_SUCH_USER = "no-such-user"
    NO_SUCH_DOMAIN = "no-such-domain"
    TAKES_NO_MAIL = "takes-no-mail"
    DISABLED = "disabled"
    FULL = "full"
    TOO_LARGE = "too-large"
    LISTED = "listed"
    NO_REVERSE_NAME = "no-reverse-name"
    SENDER = "sender"
    AUTHENTICATION = "authentication"
    CONTENT = "content"
    GREYLISTED = "greylisted"
    RATE = "rate"
    RELAYING = "relaying"
    DNS = "dns"
    NO_CONNECTION = "no-connection"
    TLS = "tls"
    TROUBLE = "trouble"
    SET_UP = "set-up"
    LOOP = "loop"
    GIVEN_UP = "given-up"  # here, by somebody's word: no server's reply says it
    TIME_OVER = "time-over"
    POLICY = "policy"
    OTHER = "other"


# The first that is found counts: what names its reason outright is before what only mentions a word.
_SAID: Final = [
    (cause, re.compile(expression, re.IGNORECASE))
    for cause, expression in (
        (Cause.SENDER, r"sender (?:address|domain)[^.]{0,20} (?:rejected|refused)|domain of sender"),
        (
            Cause.NO_SUCH_USER,
            r"no such (?:user|mailbox|recipient|address|person)|(?:user|recipient|mailbox|address) (?:is )?unknown"
            r"|unknown (?:user|recipient|mailbox|local part)|no mailbox here|(?:recipient|user|mailbox) not found"
            r"|(?:user|account|mailbox|address|recipient)\b[^.]{0,60} (?:does not|doesn't) exist"
            r"|invalid (?:recipient|mailbox|user)|not listed in domino|recipientnotfound",
        ),
        (Cause.GREYLISTED, r"gr[ae]y-?list"),
        (
            Cause.RATE,
            r"rate[ -]limit|at a rate that|unusual rate|throttl|too many (?:messages|connections|e-?mails|sessions)"
            r"|\[TSS?0[0-9]\]|unexpected volume|sending too fast|too much mail",
        ),
        (
            Cause.LISTED,
            r"spamhaus|spamcop|barracudacentral|sorbs|uceprotect|abuseat|\b(?:dns|r)bl\b|(?:black|block|deny)[ -]?list"
            r"|(?<!not )\blisted (?:at|in|on|by)\b|reputation|banned sending ip|blocked using|\(S3140\)|\(S3150\)",
        ),
        (Cause.NO_REVERSE_NAME, r"\bptr\b|reverse (?:dns|host|name|lookup)|\brdns\b"),
        (
            Cause.AUTHENTICATION,
            r"\b(?:spf|dkim|dmarc)\b|unauthenticated (?:e-?mail|mail|sender)|sender is not auth",
        ),
        (
            Cause.FULL,
            r"(?:mail)?box (?:is )?full|over ?quota|quota (?:is )?(?:exceeded|full)|exceed\w* (?:\w+ ){0,3}quota"
            r"|out of storage|mailbox size limit",
        ),
        (
            Cause.DISABLED,
            r"(?:account|mailbox|user|recipient)\b[^.]{0,60} (?:disabled|inactive|suspended|deactivated|closed)",
        ),
        (
            Cause.TOO_LARGE,
            r"(?:message|mail|size)\b[^.]{0,40} (?:too (?:large|big)|exceeds)"
            r"|(?:message|maximum) size (?:limit|exceeded)|the server takes [0-9]+\.",
        ),
        (
            Cause.RELAYING,
            r"relay(?:ing)? (?:access )?(?:is )?(?:denied|prohibited|not (?:permitted|allowed))|unable to relay"
            r"|(?:not (?:allowed|permitted)|do(?:es)? not|don't) (?:to )?relay|credentials for relay|allowed rcpthosts",
        ),
        (Cause.LOOP, r"too many hops|mail loop|loops? back|hop count"),
        (
            Cause.CONTENT,
            r"\bspam\b|unsolicited|\bvirus\b|malware|phishing|its content|content (?:rejected|refused)",
        ),
        (Cause.TLS, r"\bstarttls\b|\btls\b|\bcertificate\b"),
    )
]
_BY_CODE: Final = {
    "1.1": Cause.NO_SUCH_USER,
    "1.2": Cause.NO_SUCH_DOMAIN,
    "1.3": Cause.NO_SUCH_USER,
    "1.6": Cause.NO_SUCH_USER,
    "1.7": Cause.SENDER,
    "1.8": Cause.SENDER,
    "1.10": Cause.TAKES_NO_MAIL,
    "2.1": Cause.DISABLED,
    "2.2": Cause.FULL,
    "2.3": Cause.TOO_LARGE,
    "3.4": Cause.TOO_LARGE,
    "4.1": Cause.NO_CONNECTION,
    "4.2": Cause.NO_CONNECTION,
    "4.3": Cause.DNS,
    "4.4": Cause.DNS,
    "4.6": Cause.LOOP,
    "4.7": Cause.TIME_OVER,
    "7.5": Cause.TLS,
    "7.10": Cause.TLS,
    "7.20": Cause.AUTHENTICATION,
    "7.23": Cause.AUTHENTICATION,
    "7.25": Cause.NO_REVERSE_NAME,
    "7.26": Cause.AUTHENTICATION,
    "7.27": Cause.SENDER,
    "7.28": Cause.RATE,
    "7.30": Cause.TLS,
}
# What only sentences of our own mean by these codes: a route, or what its smarthost has against it.
_OWN: Final = {"3.5": Cause.SET_UP, "7.8": Cause.SET_UP}
# And what others say of themselves (RFC 3463 sections 3.4, 3.5): full disks, restarts, congestion.
_OF_THEMSELVES: Final = frozenset({"3.0", "3.1", "3.2", "3.5", "4.5"})
_LISTS: Final = re.compile(
    r"\b(?:[a-z0-9-]{1,40}\.){1,4}(?:spamhaus|spamcop|barracudacentral|sorbs|uceprotect|abuseat|dnsbl)"
    r"(?:-level[1-3])?\.(?:org|net|com)\b",
    re.IGNORECASE,
)


def said_cause(reply: str) -> Cause | None:
    """What the reply's words name as the cause; None where they name none that is known."""
    text = reply[:MAX_CHARACTERS]
    return next((cause for cause, expression in _SAID if expression.search(text)), None)


def find_cause(status: str, reply: str) -> Cause:
    """status: an enhanced code such as "5.1.1". OTHER where neither tells anything."""
    detail = status.partition(".")[2]
    otherwise = Cause.POLICY if detail.startswith("7.") else Cause.OTHER
    if not reply[:3].isdigit() and (own := _OWN.get(detail) or _BY_CODE.get(detail)):
        return own  # a sentence of our own, which goes with its code
    if known := said_cause(reply) or _BY_CODE.get(detail):
        return known
    if detail in _OF_THEMSELVES and reply[:3].isdigit():
        return Cause.TROUBLE
    # RFC 5321 section 3.8: 421 is of the whole service, whatever code stands behind it.
    return Cause.TROUBLE if otherwise is Cause.OTHER and reply.startswith("421") else otherwise


def listed_by(reply: str) -> str:
    """The name of the list that the reply quotes, in lower case; "" where it quotes none."""
    found = _LISTS.search(reply[:MAX_CHARACTERS])
    return found[0].lower() if found else ""
