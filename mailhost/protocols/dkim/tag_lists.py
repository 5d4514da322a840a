"""Tag lists: `v=1; a=rsa-sha256; …`, of signatures and of key records alike (RFC 6376 section 3.2).

Values may be UTF-8 (RFC 8616 section 5).
"""

import base64
import binascii
import re
from typing import NamedTuple

# tag-name = ALPHA *ALNUMPUNC, with folding white space around it
_NAME = re.compile(rb"[ \t\r\n]*+([A-Za-z][A-Za-z0-9_]*+)[ \t\r\n]*+=")
# VALCHAR = %x21-3A / %x3C-7E, and white space inside
_VALUE = re.compile(rb"[\t\n\r\x20-\x3a\x3c-\x7e\x80-\xff]*+")
_BLANKS = b" \t\r\n"
_FOLDING = re.compile(rb"[ \t\r\n]+")
# The RFC lets l= have 76 digits and t= and x= 12; and none of them ever needs more.
_NUMBER = re.compile(rb"[0-9]{1,76}")


class TagSyntaxError(ValueError):
    """These octets are no list of tags, or a tag has a value that it cannot have; the text is for people."""


class Tag(NamedTuple):
    """The value without the white space around it; with that it is octets[start:end] of what was parsed."""

    value: bytes
    start: int
    end: int


Tags = dict[str, Tag]
"""By name (case counts), in order of appearance."""


def parse_tags(octets: bytes) -> Tags:
    """Raises TagSyntaxError, also where a tag stands twice: section 3.2 voids the whole list then."""
    tags: Tags = {}
    start = 0
    while start < len(octets):
        end = octets.find(b";", start)
        if end < 0:
            end = len(octets)
            if tags and not octets[start:].strip(_BLANKS):
                break  # after the last semicolon
        found = _NAME.match(octets, start, end)
        if found is None:
            raise TagSyntaxError("It is not a list of tags.")
        name = found[1].decode("ascii")
        if name in tags:
            raise TagSyntaxError(f"The tag {name}= stands in it twice.")
        if _VALUE.fullmatch(octets, found.end(), end) is None:
            raise TagSyntaxError(f"The tag {name}= has control characters in it.")
        tags[name] = Tag(octets[found.end() : end].strip(_BLANKS), found.end(), end)
        start = end + 1
    return tags


def required(tags: Tags, name: str) -> bytes:
    """The value of a tag that must be there; TagSyntaxError."""
    tag = tags.get(name)
    if tag is None:
        raise TagSyntaxError(f"The tag {name}= is missing.")
    return tag.value


def optional(tags: Tags, name: str, default: bytes) -> bytes:
    """The value of a tag that may be left out."""
    tag = tags.get(name)
    return default if tag is None else tag.value


def word(value: bytes) -> str:
    """A value as text in lower case; TagSyntaxError. A word that we do not know must not differ by its case."""
    try:
        return value.decode("utf-8").lower()
    except UnicodeDecodeError:
        raise TagSyntaxError("A tag is not in UTF-8.") from None


def words(value: bytes) -> list[str]:
    """A colon-separated list of words, with white space around each; TagSyntaxError."""
    return [word(each.strip(_BLANKS)) for each in value.split(b":")]


def number(tags: Tags, name: str) -> int | None:
    """The value of a tag of digits, None where it is left out; TagSyntaxError."""
    tag = tags.get(name)
    if tag is None:
        return None
    if _NUMBER.fullmatch(tag.value) is None:
        raise TagSyntaxError(f"The tag {name}= is not a number.")
    return int(tag.value)


def base64_octets(value: bytes, name: str) -> bytes:
    """The octets of a base64string, which may be folded anywhere (section 2.10); TagSyntaxError."""
    try:
        return base64.b64decode(_FOLDING.sub(b"", value), validate=True)
    except (binascii.Error, ValueError):
        raise TagSyntaxError(f"The tag {name}= is not base64.") from None
