"""HTML as the text that its reader sees: for searching, not for showing. Linear in time, whatever the source."""

import html
import re

# A comment; a tag with quoted attribute values, which may hold ">"; a declaration. An unended one goes to the end.
_MARKUP = re.compile(
    r"""<(?: !--(?s:.*?)(?:-->|\Z)
          | (?P<closing>/)?+(?P<name>[a-zA-Z][a-zA-Z0-9:-]*+)
            (?P<attributes>(?:[^>"']++|"[^"]*+"|'[^']*+'|["'])*+)(?:>|\Z)
          | [!?/][^>]*+(?:>|\Z) )""",
    re.VERBOSE,
)
_UNSEEN_ENDS = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE) for name in ("script", "style", "template", "svg")
}
# What stands in a line with its neighbours; every other element begins a new line.
# fmt: off
_INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em",
        "font", "i", "ins", "kbd", "label", "mark", "nobr", "q", "s", "samp", "small", "span", "strike",
        "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "o:p",
    )
)
# fmt: on
_SPOKEN = re.compile(r"""[\s"'](?:alt|title)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f]+")


def text_of_html(source: str, *, enough: int | None = None) -> str:
    """Visible text, and what stands for images (alt, title). Blanks in a row are one; blocks begin on new lines.

    enough: so many characters of text are wanted, the rest need not be read.
    """
    pieces: list[str] = []
    at = 0
    while (found := _MARKUP.search(source, at)) is not None:
        pieces.append(_BLANKS.sub(" ", source[at : found.start()]))
        at = found.end()
        if enough is not None:
            enough -= len(pieces[-1])
            if enough <= 0:
                return html.unescape("".join(pieces)).replace("\0", "\ufffd")
        name = (found["name"] or "").lower()
        if not name:
            continue
        if name not in _INLINE:
            pieces.append("\n")
        if found["attributes"] and not found["closing"]:
            pieces.extend(
                f"\n{_BLANKS.sub(' ', double or single)}\n"
                for double, single in _SPOKEN.findall(found["attributes"])
            )
        if name in _UNSEEN_ENDS and not found["closing"] and not found["attributes"].endswith("/"):
            end = _UNSEEN_ENDS[name].search(source, at)
            at = len(source) if end is None else end.start()
    pieces.append(_BLANKS.sub(" ", source[at:]))
    return html.unescape("".join(pieces)).replace("\0", "\ufffd")
