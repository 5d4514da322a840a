"""What was searched lately stays within its bounds."""

from array import array

from mailboxes.store.search_cache import CachedWords, WordsCache


def words(octets: int) -> CachedWords:
    return CachedWords(b"x" * octets, array("I"), None)


def test_the_least_recently_used_go_first() -> None:
    cache = WordsCache(3_600)
    for number in range(3):
        cache.put((number, 0), words(1_000))
    assert cache.get((0, 0)) == words(1_000)
    cache.put((3, 0), words(1_000))
    assert cache.get((1, 0)) is None
    assert None not in (cache.get((0, 0)), cache.get((2, 0)), cache.get((3, 0)))


def test_what_is_large_is_not_kept() -> None:
    cache = WordsCache(3_000)
    cache.put((1, 0), words(1_400))
    assert cache.get((1, 0)) is None


def test_the_same_twice_counts_once() -> None:
    cache = WordsCache(3_000)
    for _ in range(10):
        cache.put((1, 0), words(1_000))
    cache.put((2, 0), words(1_000))
    assert cache.get((1, 0)) is not None
