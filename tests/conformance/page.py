"""Looks through the conversations for what each row names, and writes the page."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from mailhost.protocols.imap.capabilities import EXTENSIONS
from tests.conformance.extensions import IMAP, LEFT_OUT, LMTP, POP3, SMTP, Row

CONVERSATIONS = Path(__file__).resolve().parent.parent / "conversations"
HEAD = """\
# Conformance

What the doors of SMTP, LMTP, IMAP and POP3 do of which standard. Made from the tests (`python -m tests.conformance >
docs/conformance.md`): every command, item and response that stands here is said in a transcript under
`tests/conversations/`, and a test fails where one is not.

"""
NOT_TOLD_ALIKE = frozenset({"LOGINDISABLED"})  # rows whose word is no capability of the table


def page() -> str:
    """The whole page."""
    lines = [HEAD, "## SMTP\n\n", *_table(SMTP), "\n## LMTP\n\n", *_table(LMTP), "\n"]
    lines += ["## IMAP\n\n", *_table(IMAP), "\n## POP3\n\n", *_table(POP3)]
    lines += ["\n## Left out\n\n", "| door | what | why |\n", "|---|---|---|\n"]
    lines += [f"| {door} | {what} | {why} |\n" for door, what, why in LEFT_OUT]
    return "".join(lines)


def _table(rows: Iterable[Row]) -> Iterable[str]:
    yield "| extension | source | commands, items and responses covered | known differences |\n"
    yield "|---|---|---|---|\n"
    for row in rows:
        words = ", ".join(f"`{word}`" for word in row.words)
        yield f"| {row.name} | {row.rfc} | {words} | {row.differs or 'none'} |\n"


def uncovered() -> list[str]:
    """Words that no conversation says."""
    found = []
    for door, rows in (("smtp", SMTP), ("smtp", LMTP), ("imap", IMAP), ("pop3", POP3)):
        said = "\n".join(
            text for path in sorted((CONVERSATIONS / door).rglob("*.py")) for text in _strings(path)
        )
        found += [f"{row.name}: {word}" for row in rows for word in row.words if word not in said]
    return found


def _strings(path: Path) -> Iterator[str]:
    """What is said or expected: strings and octets, but no docstrings. Comments and names of tests say nothing."""
    tree = ast.parse(path.read_text())
    docstrings = {
        id(node.value)
        for body in (getattr(node, "body", None) for node in ast.walk(tree))
        if isinstance(body, list)
        for node in body[:1]
        if isinstance(node, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            if isinstance(node.value, str):
                # What a transcript sends octet by octet (C|) doubles its backslashes.
                yield node.value
                yield node.value.replace("\\\\", "\\")
            elif isinstance(node.value, bytes):
                yield node.value.decode("latin-1")


def mismatches() -> list[str]:
    """Capabilities without a row, and rows without a capability."""
    told = {
        extension.word.partition("=")[0] if "{" in extension.word else extension.word
        for extension in EXTENSIONS
    }
    rows = {row.name for row in IMAP if not row.name.startswith("AUTH=")} - NOT_TOLD_ALIKE
    return sorted(told ^ rows)
