"""The base subject, by which messages are sorted and threaded (RFC 5256 section 2.1)."""

import re

_BLANKS = re.compile(r"[ \t\r\n]+")
_TRAILER = re.compile(r"(?:\(fwd\)|[ \t])\Z", re.IGNORECASE)
_BLOB = r"\[[^\[\]]*+\][ \t]*+"
_LEADER = re.compile(rf"[ \t]++|(?:{_BLOB})*?(?:re|fwd?)[ \t]*+(?:{_BLOB})?:", re.IGNORECASE)
_LEADING_BLOB = re.compile(_BLOB)
_MAY_BE_MORE = re.compile(r"[\[\]:()]|\A[ \t]|[ \t]\Z")


def base_subject(subject: str) -> str:
    """Of a decoded subject, in its own case; "" where nothing but decoration is in it."""
    return _extract(subject)[0]


def is_reply_or_forward(subject: str) -> bool:
    """Whether extracting the base subject took a "re", "fw" or "fwd" away (RFC 5256 section 2.1)."""
    return _extract(subject)[1]


def _extract(subject: str) -> tuple[str, bool]:
    text = _BLANKS.sub(" ", subject)  # step 1
    if _MAY_BE_MORE.search(text) is None:
        return text, False
    is_reply = False
    while True:
        while trailer := _TRAILER.search(text, max(len(text) - 5, 0)):  # step 2
            is_reply |= trailer[0] not in " \t"
            text = text[: trailer.start()]
        text, has_leader = _without_leaders(text)  # steps 3 to 5
        is_reply |= has_leader
        if text[:5].lower() == "[fwd:" and text.endswith("]"):  # step 6
            text, is_reply = text[5:-1], True
            continue
        return text, is_reply


def _without_leaders(text: str) -> tuple[str, bool]:
    """The rest, and whether a leader that means a reply or forward was among them."""
    at = 0
    is_reply = False
    while True:
        if leader := _LEADER.match(text, at):
            is_reply |= not leader[0].isspace()
            at = leader.end()
        elif (blob := _LEADING_BLOB.match(text, at)) and blob.end() < len(text):
            at = blob.end()
        else:
            return text[at:], is_reply
