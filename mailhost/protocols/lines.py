"""Lines on the wire: CRLF ends (RFC 5321 section 2.3.8) and dot-stuffing (RFC 5321 section 4.5.2, RFC 1939 section 3).

Content is kept as it came in. On its way out every bare LF and bare CR becomes CRLF: no reader can then take
something inside a message for its end.
"""

import re

CRLF = b"\r\n"
ANY_END = re.compile(rb"\r\n|\r|\n")
END_OF_TEXT = b".\r\n"
_BARE_CR = re.compile(rb"\r(?!\n)")
_LEADING_DOT = re.compile(rb"\n\.")


def has_bare_ends(octets: bytes) -> bool:
    """Whether a CR or LF stands outside CRLF. Looking for single octets is what Python is fast at."""
    return octets.count(b"\n") != octets.count(b"\r") or _BARE_CR.search(octets) is not None


def is_wire_form(octets: bytes) -> bool:
    """Whether dot_stuffed() would only add the end: CRLF everywhere, at the end too, and no line begins with a dot."""
    return (
        (not octets or octets.endswith(CRLF))
        and not octets.startswith(b".")
        and _LEADING_DOT.search(octets) is None
        and not has_bare_ends(octets)
    )


def to_crlf(octets: bytes) -> bytes:
    """Every line end as CRLF; the same object where nothing is to be done."""
    return ANY_END.sub(CRLF, octets) if has_bare_ends(octets) else octets


class CrlfFolder:
    """to_crlf over pieces that are cut anywhere: feed() each, then finish()."""

    __slots__ = ("_held_cr",)

    def __init__(self) -> None:
        self._held_cr = False  # the last piece ended in CR, and what follows decides what that is

    def feed(self, octets: bytes) -> bytes:
        """What can be told so far."""
        if self._held_cr and octets:
            octets = b"\r" + octets
            self._held_cr = False
        if octets.endswith(b"\r"):
            self._held_cr = True
            octets = octets[:-1]
        return to_crlf(octets)

    def finish(self) -> bytes:
        """The rest."""
        rest = CRLF if self._held_cr else b""
        self._held_cr = False
        return rest


class DotStuffer:
    """Dot-stuffs CRLF text that comes in pieces, makes bare ends CRLF on the way, and ends it with the lone dot."""

    __slots__ = ("_folder", "_last")

    def __init__(self) -> None:
        self._folder = CrlfFolder()
        self._last = CRLF  # the last two octets out: the text begins as if after a line end

    def feed(self, octets: bytes) -> bytes:
        """What goes out for this piece."""
        return self._stuff(self._folder.feed(octets))

    def finish(self) -> bytes:
        """The rest, a line end if the last line has none, and the line with the dot."""
        rest = self._stuff(self._folder.finish())
        end = b"" if self._last == CRLF else CRLF
        return rest + end + END_OF_TEXT

    def _stuff(self, octets: bytes) -> bytes:
        if not octets:
            return b""
        # A piece of folded text never ends in CR, so a line begins here or after a CRLF inside the piece.
        stuffed = octets.replace(b"\r\n.", b"\r\n..")
        if self._last == CRLF and octets.startswith(b"."):
            stuffed = b"." + stuffed
        self._last = octets[-2:]
        return stuffed


def dot_stuffed(octets: bytes) -> bytes:
    """The whole text as it goes over the wire, with the line that ends it."""
    stuffer = DotStuffer()
    return stuffer.feed(octets) + stuffer.finish()


class TopCutter:
    """The header, the empty line and the first `lines` lines of the body (RFC 1939 section 7), from folded pieces."""

    __slots__ = ("_at_line_start", "_in_header", "_lines_left", "is_done")

    def __init__(self, lines: int) -> None:
        self._at_line_start = True
        self._in_header = True
        self._lines_left = lines
        self.is_done = False

    def feed(self, octets: bytes) -> bytes:
        """What of this piece belongs to it; `is_done` tells that no more will. No piece ends between CR and LF."""
        if self.is_done:
            return b""
        position = 0
        while (end := octets.find(CRLF, position)) >= 0:
            is_empty = end == position and (position > 0 or self._at_line_start)
            position = end + 2
            if not self._in_header:
                self._lines_left -= 1
            elif is_empty:
                self._in_header = False
            if not self._in_header and self._lines_left <= 0:
                self.is_done = True
                return octets[:position]
        if octets:
            self._at_line_start = position == len(octets)
        return octets
