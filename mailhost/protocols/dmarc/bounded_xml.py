"""XML in bounded memory, one branch after the other: no DTD, no entities, no deep nesting, no long texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from mailhost.protocols.report_unpacking import ReportUnreadable

MAX_DEPTH: Final = 12  # a report has 6, and extensions may add to it
MAX_TEXT: Final = 10_000
MAX_ELEMENTS_OF_A_BRANCH: Final = 2_000  # RFC 9990 asks for no more than 100 signatures a record
MAX_ELEMENTS: Final = 2_500_000  # 100,000 records of 25; each element costs some 8 µs
MAX_TOKEN_OCTETS: Final = 200_000  # a tag with all its attributes, which the parser holds until it ends


@dataclass(slots=True)
class Element:
    """name: without its namespace."""

    name: str
    children: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def text(self, name: str) -> str:
        """Of the first child of this name, without blanks around it; "" where there is none."""
        child = self.child(name)
        return "".join(child.pieces).strip() if child else ""

    def child(self, name: str) -> "Element | None":
        return next((child for child in self.children if child.name == name), None)

    def all(self, name: str) -> "list[Element]":
        return [child for child in self.children if child.name == name]


def branches(pieces: Iterable[bytes], *, root: str, max_elements: int = MAX_ELEMENTS) -> Iterator[Element]:
    """The children of the root element, each once it has ended. ReportUnreadable."""
    reader = _Reader(root, max_elements)
    for piece in pieces:
        yield from reader.feed(piece, is_last=False)
    yield from reader.feed(b"", is_last=True)


class _Reader:
    def __init__(self, root: str, max_elements: int) -> None:
        self._root = root
        self._elements_left = max_elements
        self._open: list[Element] = []
        self._ended: list[Element] = []
        self._elements = 0
        self._text = 0
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True  # or every line end is a call of its own
        self._parser.StartDoctypeDeclHandler = self._refuse_dtd
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, piece: bytes, *, is_last: bool) -> list[Element]:
        self._ended = []
        try:
            self._parser.Parse(piece, is_last)
        except (expat.ExpatError, UnicodeError) as error:
            raise ReportUnreadable("The report is no well-formed XML.") from error
        self._fed += len(piece)
        if self._fed - max(self._parser.CurrentByteIndex, 0) > MAX_TOKEN_OCTETS:
            raise ReportUnreadable("The report has a tag that is too long.")
        return self._ended

    def _refuse_dtd(self, *_: object) -> None:
        raise ReportUnreadable("The report has a document type, which could define anything.")

    def _start(self, name: str, attributes: object) -> None:
        element = Element(name.rpartition(":")[2])
        if not self._open and element.name != self._root:
            raise ReportUnreadable("The file is no such report.")
        if len(self._open) == 1:
            self._elements = self._text = 0
        self._elements += 1
        self._elements_left -= 1
        if self._elements_left < 0:
            raise ReportUnreadable("The report has too many elements.")
        if len(self._open) >= MAX_DEPTH or self._elements > MAX_ELEMENTS_OF_A_BRANCH:
            raise ReportUnreadable("The report has too many elements in one another.")
        if len(self._open) > 1:
            self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, name: str) -> None:
        element = self._open.pop()
        if len(self._open) == 1:
            self._ended.append(element)

    def _characters(self, text: str) -> None:
        if len(self._open) < 2:
            return
        self._text += len(text)
        if self._text > MAX_TEXT:
            raise ReportUnreadable("The report has a text that is too long.")
        self._open[-1].pieces.append(text)
