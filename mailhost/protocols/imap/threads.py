"""THREAD (RFC 5256 section 3): ORDEREDSUBJECT and REFERENCES, exactly their steps, in nearly linear time.

Nothing here recurses: a thread may be a hundred thousand messages deep. Whether a link would make a loop is asked of
a link-cut tree, because walking up to the first message each time would take the square of that depth.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailhost.protocols.imap.link_cut import LinkCutForest

# Messages that are only referred to; beyond that many, an id that is not here is passed over. A message has at
# most a hundred references, but a mailbox of them must not fill memory.
MAX_DUMMIES = 500_000
_QUOTED_ID = re.compile(r'<"((?:[^"\\]|\\.)*)"@(.*)>', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Head:
    """A message as threading looks at it. `message_id` is "" where there is none that is valid."""

    uid: int
    sent_at: datetime  # section 2.2: the internal date, where there is no other
    subject: str  # the base subject, as i;unicode-casemap compares it
    is_reply: bool  # or forward
    message_id: str = ""


@dataclass(slots=True)
class Forest:
    """Nodes by number; those of a UID of 0 are dummies, which stand at the top alone."""

    uids: list[int]
    children: list[list[int]]
    top: list[int]


def normal_id(message_id: str) -> str:
    """Section 3, step 1: `<"a"@b>` is `<a@b>`. Ids compare with case."""
    match = _QUOTED_ID.fullmatch(message_id) if message_id.startswith('<"') else None
    if match is None:
        return message_id
    local_part = _QUOTED_PAIR.sub(r"\1", match[1])
    return f"<{local_part}@{match[2]}>"


def by_ordered_subject(heads: Sequence[Head]) -> Forest:
    """The first of each base subject, the others below it; heads come in mailbox order."""
    ordered = sorted(range(len(heads)), key=lambda node: (heads[node].sent_at, node))
    first: dict[str, int] = {}
    children: list[list[int]] = [[] for _ in heads]
    top = []
    for node in ordered:
        leader = first.setdefault(heads[node].subject, node)
        if leader == node:
            top.append(node)
        else:
            children[leader].append(node)
    return Forest([head.uid for head in heads], children, top)


class ReferencesThreading:
    """REFERENCES: give it each message's references in mailbox order, then finish()."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self._heads = heads
        self._node_of: dict[str, int] = {}
        for node, head in enumerate(heads):
            if head.message_id:
                # Of messages with one id the first has it; the others are as if they had one of their own.
                self._node_of.setdefault(normal_id(head.message_id), node)
        self._parents = [-1] * len(heads)
        self._links = LinkCutForest(len(heads))

    def refer(self, node: int, references: Iterable[str]) -> None:
        """Step 1 for one message."""
        previous = -1
        for reference in references:
            referred = self._find(normal_id(reference))
            if referred < 0:
                continue
            if previous >= 0 and self._parents[referred] < 0:
                self._link(previous, referred)
            previous = referred
        if self._parents[node] >= 0:  # made by others' references: its own ones know better
            self._links.cut(node)
            self._parents[node] = -1
        if previous >= 0:
            self._link(previous, node)

    def finish(self) -> Forest:
        """Steps 2 to 6."""
        count = len(self._parents)
        children: list[list[int]] = [[] for _ in range(count)]
        top: list[int] = []
        for node, parent in enumerate(self._parents):
            (top if parent < 0 else children[parent]).append(node)
        return _Gathering(self._heads, children, top).forest()

    def _find(self, message_id: str) -> int:
        """The message, or the dummy, with that id; -1 where there are too many dummies."""
        node = self._node_of.get(message_id)
        if node is None:
            node = len(self._parents)
            if node >= len(self._heads) + MAX_DUMMIES:
                return -1
            self._node_of[message_id] = node
            self._parents.append(-1)
            self._links.add()
        return node

    def _link(self, parent: int, child: int) -> None:
        """Unless that would make a loop: the child has no parent, so it would where it is the parent's own root."""
        if self._links.root(parent) != child:
            self._links.link(child, parent)
            self._parents[child] = parent


class _Gathering:
    """Steps 3 to 6 of REFERENCES."""

    def __init__(self, heads: Sequence[Head], children: list[list[int]], top: list[int]) -> None:
        self._heads = heads
        self._count = len(heads)
        self._children = children
        self._top = top

    def forest(self) -> Forest:
        self._prune()
        self._sort_top()
        self._gather()
        for siblings in self._children:
            siblings.sort(key=self._moment)
        self._sort_top()
        uids = [head.uid for head in self._heads] + [0] * (len(self._children) - self._count)
        return Forest(uids, self._children, self._top)

    def _is_dummy(self, node: int) -> bool:
        return node >= self._count

    def _moment(self, node: int) -> tuple[datetime, int]:
        """By sent date, then mailbox order; a dummy's is that of its first child."""
        if self._is_dummy(node):
            node = self._children[node][0]
        return self._heads[node].sent_at, node

    def _sort_top(self) -> None:
        """Step 4, and step 6 for the top."""
        for node in self._top:
            if self._is_dummy(node):
                self._children[node].sort(key=self._moment)
        self._top.sort(key=self._moment)

    def _prune(self) -> None:
        """Step 3, from the leaves up: a dummy's children take its place, at the top only a single one."""
        order = list(self._top)
        for node in order:  # grows while it is walked: every node after its parent
            order.extend(self._children[node])
        for node in reversed(order):
            self._children[node] = self._without_dummies(self._children[node])
        top = []
        for node in self._top:
            below = self._children[node]
            if not self._is_dummy(node) or len(below) > 1:
                top.append(node)
            else:
                top.extend(below)
        self._top = top

    def _without_dummies(self, nodes: list[int]) -> list[int]:
        """The shorter list joins the longer one: they are sorted later, and long ones are not copied at each level."""
        if not any(map(self._is_dummy, nodes)):
            return nodes
        kept: list[int] = [node for node in nodes if not self._is_dummy(node)]
        for node in nodes:
            if self._is_dummy(node):
                below = self._children[node]
                self._children[node] = []
                if len(below) > len(kept):
                    kept, below = below, kept
                kept.extend(below)
        return kept

    def _subject(self, node: int) -> str:
        return self._heads[self._children[node][0] if self._is_dummy(node) else node].subject

    def _is_reply(self, node: int) -> bool:
        return not self._is_dummy(node) and self._heads[node].is_reply

    def _gather(self) -> None:
        """Step 5: threads of one subject become one thread."""
        table: dict[str, int] = {}
        subjects = {node: self._subject(node) for node in self._top}
        for node in self._top:  # 5.B
            known = table.setdefault(subjects[node], node)
            is_better = self._is_dummy(node) or (self._is_reply(known) and not self._is_reply(node))
            if known != node and is_better and not self._is_dummy(known):
                table[subjects[node]] = node
        below: set[int] = set()
        added: list[int] = []
        for node in self._top:  # 5.C
            known = table[subjects[node]]
            if node in below or not subjects[node] or known == node:
                continue
            below.add(node)
            if self._is_dummy(known) and self._is_dummy(node):
                self._children[known].extend(self._children[node])
            elif self._is_dummy(known) or (self._is_reply(node) and not self._is_reply(known)):
                self._children[known].append(node)
            else:
                table[subjects[node]] = len(self._children)
                added.append(len(self._children))
                self._children.append([known, node])
                below.add(known)
        self._top = [node for node in self._top if node not in below] + added


def by_references(heads: Sequence[Head], references: Iterable[Iterable[str]]) -> Forest:
    """REFERENCES of messages in mailbox order, each with the references that section 3 step 1 takes."""
    threading = ReferencesThreading(heads)
    for node, own in enumerate(references):
        threading.refer(node, own)
    return threading.finish()


def format_threads(forest: Forest, numbers: Sequence[int]) -> bytes:
    """`* THREAD (2)(3 6 (4 23)(44 7 96))`: thread-list of section 5. `numbers` are by node, as the client is told."""
    told: list[str] = []
    waiting: list[int] = []  # nodes, or -1 for ")"
    for root in forest.top:
        waiting.append(root)
        while waiting:
            node = waiting.pop()
            if node < 0:
                told.append(")")
                continue
            told.append("(")
            waiting.append(-1)
            members = []
            below: Sequence[int] = (node,)
            while len(below) == 1:
                node = below[0]
                if forest.uids[node]:
                    members.append(str(numbers[node]))
                below = forest.children[node]
            told.append(" ".join(members))
            if below:
                told.append(" " if members else "")
                waiting.extend(reversed(below))
    return b"* THREAD%b%b\r\n" % (b" " if told else b"", "".join(told).encode("ascii"))
