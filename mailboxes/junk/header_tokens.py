"""Tokens of a message's header (RFC 5322 section 3.6), each with its field before it.

Only of fields that mean something wherever mail is read. Words of all fields were tried: they tell collections of mail
apart, by what the programs wrote that had collected them, and junk less well.
"""

import re
from collections.abc import Iterator
from itertools import islice

from mailboxes.junk.urls import domain_tokens, url_tokens
from mailboxes.junk.words import words_of
from mailhost.protocols.message.address_list import parse_address_list
from mailhost.protocols.message.text import decode_words

MAX_HEADER_OCTETS = 1 << 16
MAX_FIELDS = 300
MAX_VALUE_OCTETS = 2_000  # of one field; of real mail they have some hundreds
MAX_ADDRESSES = 20  # of one field
MAX_RECEIVED = 8  # fields; those of our own host are first, and tell nothing
MAX_RECEIVED_HOSTS = 6  # of one field
MAX_FIELD_WORDS = 20

ADDRESS_FIELDS = frozenset(("from", "reply-to", "sender", "return-path", "to", "cc", "errors-to"))
WORD_FIELDS = frozenset(
    [
        "x-mailer",
        "user-agent",
        "organization",
        "precedence",
        "x-priority",
        "importance",
        "auto-submitted",
        "list-id",
    ]
)
LINK_FIELDS = frozenset(("list-unsubscribe", "list-help", "list-post", "list-archive"))

_READ = {
    name.encode(): name
    for name in ("subject", "received", "date", "message-id", *ADDRESS_FIELDS, *WORD_FIELDS, *LINK_FIELDS)
}
_LINE_END = re.compile(rb"\r\n|\r|\n")
_ZONE = re.compile(r"[+-][0-9]{4}\b")
_HOST = re.compile(r"[a-zA-Z0-9_-]{1,63}+(?:\.[a-zA-Z0-9_-]{1,63}+)+")

Field = tuple[str, bytes]


def fields_of(header: bytes) -> list[Field]:
    """Those that tokens are made of: names in lower case, and values unfolded and cut."""
    header = header[:MAX_HEADER_OCTETS]
    if not header.count(b"\r\n") == header.count(b"\n") == header.count(b"\r"):
        header = _LINE_END.sub(b"\r\n", header)
    fields = []
    for line in (
        header.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t").split(b"\r\n", MAX_FIELDS)[:MAX_FIELDS]
    ):
        octets, colon, value = line.partition(b":")
        name = _READ.get(octets.rstrip(b" \t").lower())
        if name is not None and colon:
            fields.append((name, value[:MAX_VALUE_OCTETS].strip(b" \t")))
    return fields


def subject_words(fields: list[Field]) -> list[str]:
    """The words of Subject, in their order."""
    return [word for name, value in fields if name == "subject" for word in words_of(decode_words(value))]


def header_tokens(fields: list[Field]) -> Iterator[str]:
    """Tokens of all fields but Subject, in their order."""
    received = 0
    for name, value in fields:
        if name == "received":
            received += 1
            if received <= MAX_RECEIVED:
                yield from _received(value)
        elif name in ADDRESS_FIELDS:
            yield from _addresses(name, value)
        elif name == "date":
            zone = _ZONE.search(decode_words(value))
            yield f"date:{zone[0] if zone else 'no zone'}"
        elif name == "message-id":
            yield from domain_tokens(
                "message-id:", decode_words(value).rpartition("@")[2].strip(" <>").lower()
            )
        elif name in WORD_FIELDS:
            for word in islice(words_of(decode_words(value)), MAX_FIELD_WORDS):
                yield f"{name}:{word}"
        elif name in LINK_FIELDS:
            yield f"{name}:"
            yield from (f"list-{token}" for token in url_tokens(decode_words(value)))


def _received(value: bytes) -> Iterator[str]:
    text = decode_words(value).partition(";")[0]  # behind it stands a moment
    for host in islice(_HOST.finditer(text), MAX_RECEIVED_HOSTS):
        yield from domain_tokens("received:", host[0].lower())


def _addresses(name: str, value: bytes) -> Iterator[str]:
    addresses = [address for address in parse_address_list(value) if address.host is not None]
    count = len(addresses)
    yield f"{name}:{'none' if not count else 'one' if count == 1 else 'some' if count < 6 else 'many'}"
    for address in addresses[:MAX_ADDRESSES]:
        local, host = (_lower(each or b"") for each in (address.mailbox, address.host))
        yield f"{name}:{local}@{host}"
        yield from domain_tokens(f"{name}:@", host)
        if address.name is None:
            yield f"{name}:no name"
            continue
        for word in islice(words_of(decode_words(address.name)), MAX_FIELD_WORDS):
            yield f"{name}:name:{word}"


def _lower(octets: bytes) -> str:
    return octets.decode("utf-8", "replace").lower()
