"""The addresses of From and Sender, for deciding who may write them (RFC 5322 sections 3.4 and 4.4).

Strict on purpose: what two readers could understand in two ways is refused, because the one who reads the
mail might see another address than the one that was checked.
"""

import itertools
import re

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress

_MAX_VALUE_OCTETS = 20_000
# display-name angle-addr without comments, quoting or lists: nearly every From there is
_SIMPLE = re.compile(
    r"\s*(?:[^\x00-\x1f()<>\[\]:;@\\,\"]*|\"[^\x00-\x1f\"\\]*\")\s*<([^\s()<>\[\]:;\\,\"]+)>\s*"
)
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
      | (?P<quoted>"(?:[^"\\]|\\.)*")
      | (?P<literal>\[[^\[\]\\]*\])
      | (?P<special>[()<>:;@,])
      | (?P<atom>[^\s()<>\[\]:;@\\,"]+)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_PIECE = re.compile(r"\\.|[()]|[^\\()]+", re.DOTALL)


def parse_originators(value: bytes) -> list[EmailAddress]:
    """Every address of a From or Sender field's value; AddressSyntaxError."""
    if len(value) > _MAX_VALUE_OCTETS:
        raise AddressSyntaxError("The field is too long.")
    text = value.decode(errors="surrogateescape")
    if simple := _SIMPLE.fullmatch(text.replace("\r\n ", " ").replace("\r\n\t", " ").rstrip("\r\n")):
        return [EmailAddress.parse(simple[1])]
    return [_parse_mailbox(tokens) for tokens in _split_list(_tokens(text))]


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text) of every token; comments are left out, a run of blanks is one blank."""
    tokens: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        if text[position] == "(":
            position = _skip_comment(text, position)
            continue
        found = _TOKEN.match(text, position)
        if not found or found[0] == ")":
            raise AddressSyntaxError("The field is not a list of addresses.")
        tokens.append((found.lastgroup or "", found[0]))
        position = found.end()
    return tokens


def _skip_comment(text: str, position: int) -> int:
    depth = 0
    while found := _COMMENT_PIECE.match(text, position):
        position = found.end()
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0:
            return position
    raise AddressSyntaxError("The field has a comment without an end.")


def _split_list(tokens: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """One list of tokens per mailbox: the commas of the list and the frames of groups are taken away."""
    mailboxes: list[list[tuple[str, str]]] = [[]]
    is_in_brackets = is_in_group = False
    for kind, text in tokens:
        if kind == "special" and text in "<>":
            is_in_brackets = text == "<"
        if is_in_brackets or kind != "special" or text in "<>@":
            mailboxes[-1].append((kind, text))
        elif text == ":":
            if is_in_group:
                raise AddressSyntaxError("The field has a group in a group.")
            is_in_group = True
            mailboxes[-1] = []
        else:  # "," or ";"
            is_in_group = is_in_group and text != ";"
            mailboxes.append([])
    return [tokens for tokens in mailboxes if any(kind != "blank" for kind, _ in tokens)]


def _parse_mailbox(tokens: list[tuple[str, str]]) -> EmailAddress:
    texts = [text for kind, text in tokens if kind != "blank"]
    if "<" not in texts:
        if ">" in texts:
            raise AddressSyntaxError("The field has a bracket too many.")
        return _parse_addr_spec(tokens)
    if texts.count("<") != 1 or texts.count(">") != 1 or texts[-1] != ">":
        raise AddressSyntaxError("The field has more or fewer brackets than an address.")
    opening = next(index for index, (_, text) in enumerate(tokens) if text == "<")
    closing = next(index for index, (_, text) in enumerate(tokens) if text == ">")
    if any(text == "@" for kind, text in tokens[:opening] if kind == "special"):
        # A second address as display name misleads readers; RFC 5322 wants it quoted.
        raise AddressSyntaxError("The display name has a bare @ in it.")
    return _parse_addr_spec(tokens[opening + 1 : closing])


def _parse_addr_spec(tokens: list[tuple[str, str]]) -> EmailAddress:
    """Blanks may stand around words and dots (obsolete syntax), but do not join two words."""
    words = [(kind, text) for kind, text in tokens if kind != "blank"]
    for (kind, before), (next_kind, after) in itertools.pairwise(words):
        is_joined = "special" in {kind, next_kind} or before.endswith(".") or after.startswith(".")
        if not is_joined:
            raise AddressSyntaxError("The address has two words without a dot between them.")
    if words.count(("special", "@")) != 1:
        raise AddressSyntaxError("The field has an address without exactly one @.")
    return EmailAddress.parse("".join(text for _, text in words))
