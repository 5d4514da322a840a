"""DEFLATE (RFC 1951) over both directions of a connection that is under way (RFC 4978), in little memory.

A compressor of zlib's default size takes 208 KB (measured) for as long as a session lives; with an 8 KB window it
takes 70, compresses FETCH answers to a sixth instead of a seventh, and is let go whenever the session idles: a new one
begins where the last one was flushed. What is left of an idle session is its inflater, 22 to 40 KB. What comes in is
inflated in steps, so that a bomb never unfolds.
"""

import zlib

LEVEL = 3  # 140 MB/s of FETCH answers on one core; level 6 gains a tenth and takes twice as long
WINDOW_BITS = 13  # 8 KB: 2 ** (bits + 2) octets
MEMORY_LEVEL = 6  # 2 ** (level + 9) octets
CLIENT_WINDOW_BITS = 15  # RFC 4978 lets clients use all of DEFLATE's


class BrokenStream(Exception):
    """What came in is not DEFLATE, or goes on behind its end."""


class Compression:
    """Octets out through deflate() and flush(); octets in through feed(), and out of it by inflate()."""

    __slots__ = ("_deflater", "_inflater", "_input", "_is_behind")

    def __init__(self) -> None:
        self._deflater: zlib._Compress | None = None
        self._inflater = zlib.decompressobj(-CLIENT_WINDOW_BITS)
        self._input = b""
        self._is_behind = False  # the compressor holds octets back

    def deflate(self, octets: bytes) -> bytes:
        """What can be sent so far: often nothing before flush()."""
        if self._deflater is None:
            self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -WINDOW_BITS, MEMORY_LEVEL)
        self._is_behind = True
        return self._deflater.compress(octets)

    def flush(self) -> bytes:
        """All that was held back, so that the client can read what was written."""
        if self._deflater is None or not self._is_behind:
            return b""
        self._is_behind = False
        return self._deflater.flush(zlib.Z_SYNC_FLUSH)

    def finish(self, octets: bytes) -> bytes:
        """The last octets, and the end of the stream."""
        return self.flush() + self.deflate(octets) + self._finish()

    def _finish(self) -> bytes:
        assert self._deflater is not None
        return self._deflater.flush(zlib.Z_FINISH)

    def forget(self) -> None:
        """Let the compressor's memory go, after flush(): the next one needs nothing of what it knew."""
        if not self._is_behind:
            self._deflater = None

    @property
    def has_input(self) -> bool:
        """Whether inflate() may give more without another feed()."""
        return bool(self._input)

    def feed(self, octets: bytes) -> None:
        """Octets came in."""
        self._input += octets

    def inflate(self, limit: int) -> bytes:
        """At most so many octets of what was fed. A client may end the stream with its last command, and wait.

        Raises BrokenStream.
        """
        try:
            inflated = self._inflater.decompress(self._input, limit)
        except zlib.error as error:
            raise BrokenStream(str(error)) from error
        self._input = self._inflater.unconsumed_tail
        if self._inflater.unused_data:
            raise BrokenStream("something follows the end of the stream")
        return inflated

    @property
    def has_ended(self) -> bool:
        """Whether the client has ended its stream."""
        return self._inflater.eof

    def drop_input(self) -> None:
        """Nobody will read it."""
        self._input = b""
