"""The public suffix list, as the library carries it: what DMARC went by before RFC 9989's tree walk."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList


@cache
def _suffixes() -> PublicSuffixList:
    """Read on first use: it takes 0.2 s, and not every process evaluates DMARC."""
    return PublicSuffixList()


@lru_cache(maxsize=10_000)
def registrable_domain(domain: str) -> str | None:
    """The part of an A-label domain that was registered under a public suffix; None for a suffix itself.

    Suffixes that companies offer names under (github.io) count: their customers are no organization either.
    """
    return _suffixes().privatesuffix(domain.lower())
