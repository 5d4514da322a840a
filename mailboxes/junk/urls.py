"""Links in text or HTML source as tokens: the host, the domains that it is in, and words of the path (RFC 3986)."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

MAX_URLS = 100  # in one text; newsletters have some dozens
MAX_PATH_WORDS = 8  # of one URL
MAX_LABELS = 5  # of a host: a sender can make up names below its domain without end

_URL = re.compile(r"""(?i)\b(?:(https?|ftp)://|(?=www\.))([^\s"'<>\\^`{|}]{4,400})""")
_HAS_HOST = re.compile(r"(?i)www\.")
_PATH_WORD = re.compile(r"[a-zA-Z]{3,20}|(?<![0-9])[0-9]{1,4}(?![0-9])")
_NUMERIC_HOST = re.compile(r"[0-9.]++|0x[0-9a-f]++|\[[0-9a-f:.]++\]")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def url_tokens(source: str) -> Iterator[str]:
    """Tokens of the URLs, in their order."""
    if "://" not in source and not _HAS_HOST.search(
        source
    ):  # most text has none, and is searched for this faster
        return
    for number, found in enumerate(_URL.finditer(source)):
        if number == MAX_URLS:
            return
        yield f"url:scheme:{(found[1] or 'none').lower()}"
        yield from _tokens(found[2].replace("&amp;", "&"))


def _tokens(rest: str) -> Iterator[str]:
    authority, slash, path = rest.partition("/")
    if not slash:
        authority, _, path = rest.partition("?")
    _, at_sign, host = authority.rpartition("@")
    if at_sign:
        yield "url:has a user"  # https://www.bank.example@elsewhere.example/
    host = unquote(host).lower()
    if not host.startswith("["):
        host, _, port = host.partition(":")
        if port:
            yield f"url:port:{port[:5]}"
    if _NUMERIC_HOST.fullmatch(host):
        yield "url:host is an address"
    yield from domain_tokens("url:", host)
    for word in _PATH_WORD.findall(unquote(path))[:MAX_PATH_WORDS]:
        yield f"url:path:{word.lower()}"


def domain_tokens(prefix: str, host: str) -> Iterator[str]:
    """The host and each domain above it; of an IPv4 address also the networks that it may be in."""
    labels = host.strip(".").split(".")
    if _IPV4.fullmatch(host):
        yield from (prefix + ".".join(labels[:count]) for count in (4, 3, 2))
        return
    labels = labels[-MAX_LABELS:]
    yield from (prefix + ".".join(labels[start:]) for start in range(len(labels)))
