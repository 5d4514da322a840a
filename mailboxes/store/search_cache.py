"""Words of segments that were searched lately, in this process: a client that types its needle asks again and again.

A segment never changes and its number is never given again, so what is here is true as long as the segment is there.
"""

import threading
from array import array
from collections import OrderedDict
from typing import NamedTuple


class CachedWords(NamedTuple):
    """One area of a segment; the postings where they are few."""

    words: bytes
    offsets: "array[int]"
    postings: bytes | None

    @property
    def octets(self) -> int:
        return len(self.words) + 4 * len(self.offsets) + len(self.postings or b"")


NO_WORDS = CachedWords(b"", array("I"), b"")

Key = tuple[int, int]  # segment and area


class WordsCache:
    """The least recently used go first. For any thread."""

    def __init__(self, max_octets: int) -> None:
        self._max_octets = max_octets
        self._octets = 0
        self._words: OrderedDict[Key, CachedWords] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> CachedWords | None:
        with self._lock:
            found = self._words.get(key)
            if found is not None:
                self._words.move_to_end(key)
            return found

    def put(self, key: Key, words: CachedWords) -> None:
        """Nothing that would take more than half of the room."""
        size = words.octets + 200
        if size > self._max_octets // 2:
            return
        with self._lock:
            if key not in self._words:
                self._words[key] = words
                self._octets += size
            while self._octets > self._max_octets:
                _, gone = self._words.popitem(last=False)
                self._octets -= gone.octets + 200
