"""Links in text or HTML source as tokens: the host, the domains that it is in, and words of the path (RFC 3986)."""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote

MAX_URLS = 50  # in one text; newsletters have some dozens
MAX_TRIED = 1_000  # places in one text where one might begin
MAX_PATH_WORDS = 8  # of one URL
MAX_PATH_CHARACTERS = 120
MAX_HOST_CHARACTERS = 255  # RFC 1035 section 2.3.4
MAX_LABELS = 5  # of a host: a sender can make up names below its domain without end

_URL = re.compile(r"""(?i)\b(?:(https?|ftp)://|(?=www\.))([^\s"'<>\\^`{|}]{4,400})""")
_SCHEME_LENGTHS = (5, 4, 3)  # of https, http and ftp
_PATH_WORD = re.compile(r"[a-zA-Z]{3,20}|(?<![0-9])[0-9]{1,4}(?![0-9])")
_NUMERIC_HOST = re.compile(r"[0-9.]++|0x[0-9a-f]++|\[[0-9a-f:.]++\]")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def url_tokens(source: str) -> Iterator[str]:
    """Tokens of the URLs, in their order. Those of a host are told once."""
    told: set[str] = set()
    for found in islice(_urls(source), MAX_URLS):
        yield f"url:scheme:{(found[1] or 'none').lower()}"
        authority, path = _divided(found[2])
        if authority not in told:
            told.add(authority)
            yield from _of_authority(authority)
        yield from (f"url:path:{word.lower()}" for word in _PATH_WORD.findall(path)[:MAX_PATH_WORDS])


def _urls(source: str) -> Iterator[re.Match[str]]:
    """What the expression finds, looked for only where it can begin: a tenth of the time."""
    folded = source.replace("W", "w")
    at = 0
    colon, www = folded.find("://"), folded.find("www.")
    for _ in range(MAX_TRIED):
        if colon >= 0 and (www < 0 or colon < www):
            found = _with_scheme(source, at, colon)
            at = colon + 3
        elif www >= 0:
            found = _URL.match(source, www)
            at = www + 4
        else:
            return
        if found is not None:
            yield found
            at = found.end()
        if 0 <= colon < at:
            colon = folded.find("://", at)
        if 0 <= www < at:
            www = folded.find("www.", at)


def _with_scheme(source: str, at: int, colon: int) -> re.Match[str] | None:
    for length in _SCHEME_LENGTHS:
        if colon - length >= at and (found := _URL.match(source, colon - length)) is not None and found[1]:
            return found
    return None


def _divided(rest: str) -> tuple[str, str]:
    authority, slash, path = rest.replace("&amp;", "&").partition("/")
    if not slash:
        authority, _, path = authority.partition("?")
    return authority, unquote(path[:MAX_PATH_CHARACTERS])


def _of_authority(authority: str) -> Iterator[str]:
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


def domain_tokens(prefix: str, host: str) -> tuple[str, ...]:
    """The host and each domain above it; of an IPv4 address also the networks that it may be in."""
    return _domain_tokens(prefix, host[-MAX_HOST_CHARACTERS:])


@lru_cache(maxsize=4_096)  # of a KB at most; mail comes over the same hosts again and again, and leads there
def _domain_tokens(prefix: str, host: str) -> tuple[str, ...]:
    labels = host.strip(".").split(".")
    if _IPV4.fullmatch(host):
        return tuple(prefix + ".".join(labels[:count]) for count in (4, 3, 2))
    labels = labels[-MAX_LABELS:]
    return tuple(prefix + ".".join(labels[start:]) for start in range(len(labels)))
