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
    text = _BLANKS.sub(" ", subject)  # step 1
    if _MAY_BE_MORE.search(text) is None:
        return text
    while True:
        while trailer := _TRAILER.search(text, max(len(text) - 5, 0)):  # step 2
            text = text[: trailer.start()]
        text = _without_leaders(text)  # steps 3 to 5
        if text[:5].lower() == "[fwd:" and text.endswith("]"):  # step 6
            text = text[5:-1]
            continue
        return text


def _without_leaders(text: str) -> str:
    at = 0
    while True:
        if leader := _LEADER.match(text, at):
            at = leader.end()
        elif (blob := _LEADING_BLOB.match(text, at)) and blob.end() < len(text):
            at = blob.end()
        else:
            return text[at:]
