"""THREAD=REFERENCES against RFC 5256's steps written down one after the other; chains of any depth; the wire form."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailhost.protocols.imap import threads as module
from mailhost.protocols.imap.link_cut import LinkCutForest
from mailhost.protocols.imap.threads import (
    Forest,
    Head,
    by_ordered_subject,
    by_references,
    format_threads,
    normal_id,
)

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)


def head(
    uid: int, subject: str = "", *, hours: int = 0, is_reply: bool = False, message_id: str = ""
) -> Head:
    return Head(uid, NOON + timedelta(hours=hours), subject, is_reply, message_id)


def wire(forest: Forest) -> str:
    return format_threads(forest, forest.uids).decode().removeprefix("* THREAD").strip()


# --- the algorithm as RFC 5256 section 3 tells it, step by step, slow and recursive ---


@dataclass(eq=False)
class Node:
    """A message, or a dummy (no head)."""

    head: Head | None
    parent: "Node | None" = None
    children: "list[Node]" = field(default_factory=list)

    def is_below(self, other: "Node") -> bool:
        node: Node | None = self
        while node is not None:
            if node is other:
                return True
            node = node.parent
        return False

    def moment(self) -> tuple[datetime, int]:
        if self.head is None:
            return min(child.moment() for child in self.children)
        return self.head.sent_at, self.head.uid

    def told(self) -> Head:
        if self.head is None:
            return min(self.children, key=Node.moment).told()
        return self.head


def slowly(heads: list[Head], references: list[list[str]]) -> str:
    table: dict[str, Node] = {}
    nodes = [Node(each) for each in heads]
    for node in nodes:
        assert node.head is not None
        if node.head.message_id:
            table.setdefault(node.head.message_id, node)
    everything = list(nodes)

    def link(parent: Node, child: Node) -> None:
        if not parent.is_below(child):
            child.parent = parent
            parent.children.append(child)

    for node, own in zip(nodes, references, strict=True):
        chain = []
        for reference in own:
            if reference not in table:
                table[reference] = Node(None)
                everything.append(table[reference])
            chain.append(table[reference])
        for parent, child in pairwise(chain):  # 1.A
            if child.parent is None:
                link(parent, child)
        if node.parent is not None:  # 1.B
            node.parent.children.remove(node)
            node.parent = None
        if chain:
            link(chain[-1], node)

    def pruned(node: Node, *, is_top: bool) -> list[Node]:  # 3
        node.children = [kept for child in node.children for kept in pruned(child, is_top=False)]
        if node.head is not None or (is_top and len(node.children) > 1):
            return [node]
        return node.children

    top = [kept for node in everything if node.parent is None for kept in pruned(node, is_top=True)]  # 2
    top.sort(key=Node.moment)  # 4
    by_subject: dict[str, Node] = {}
    for node in top:  # 5.B
        subject = node.told().subject
        if not subject:
            continue
        known = by_subject.get(subject)
        if known is None or (
            known.head is not None and (node.head is None or (known.head.is_reply and not node.head.is_reply))
        ):
            by_subject[subject] = node
    left = list(top)
    for node in top:  # 5.C
        subject = node.told().subject
        if not subject or by_subject[subject] is node or node not in left:
            continue
        known = by_subject[subject]
        left.remove(node)
        if known.head is None and node.head is None:
            known.children += node.children
        elif known.head is None or (node.head is not None and node.head.is_reply and not known.head.is_reply):
            known.children.append(node)
        else:
            by_subject[subject] = Node(None, children=[known, node])
            left[left.index(known)] = by_subject[subject]

    def formatted(node: Node) -> str:  # 6 and the grammar
        members = str(node.head.uid) if node.head is not None else ""
        below = sorted(node.children, key=Node.moment)
        if len(below) == 1:
            return " ".join(filter(None, [members, formatted(below[0])]))
        nested = "".join(f"({formatted(child)})" for child in below)
        return " ".join(filter(None, [members, nested]))

    return "".join(f"({formatted(node)})" for node in sorted(left, key=Node.moment))


IDS = [f"<{letter}@x>" for letter in "abcdefghij"]
MESSAGES = st.lists(
    st.tuples(
        st.sampled_from(["", *IDS[:7]]),
        st.lists(st.sampled_from(IDS), max_size=5),
        st.sampled_from(["", "ONE", "TWO"]),
        st.booleans(),
        st.integers(0, 3),
    ),
    max_size=14,
)


@settings(max_examples=600)
@given(MESSAGES)
def test_it_is_what_the_steps_say(messages: list[tuple[str, list[str], str, bool, int]]) -> None:
    heads = [
        head(uid, subject, hours=hours, is_reply=is_reply, message_id=own)
        for uid, (own, _, subject, is_reply, hours) in enumerate(messages, start=1)
    ]
    references = [each[1] for each in messages]
    assert wire(by_references(heads, references)) == slowly(heads, references)


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.booleans()), max_size=60))
def test_the_forest_knows_its_roots(steps: list[tuple[int, int, bool]]) -> None:
    forest = LinkCutForest(6)
    for _ in range(6):
        forest.add()
    parents: dict[int, int] = {}

    def root(node: int) -> int:
        while node in parents:
            node = parents[node]
        return node

    for child, parent, cuts in steps:
        if cuts and child in parents:
            del parents[child]
            forest.cut(child)
        elif not cuts and child not in parents and root(parent) != child:
            parents[child] = parent
            forest.link(child, parent)
        assert [forest.root(node) for node in range(12)] == [root(node) for node in range(12)]


# --- examples ---


def test_the_example_of_the_standard() -> None:
    """`(2)(3 6 (4 23)(44 7 96))` (RFC 5256 section 4)."""
    parents = {6: 3, 4: 6, 23: 4, 44: 6, 7: 44, 96: 7}
    numbers = [2, 3, 6, 4, 23, 44, 7, 96]
    heads = [head(uid, hours=hour, message_id=f"<{uid}@x>") for hour, uid in enumerate(numbers)]
    references = [[f"<{parents[uid]}@x>"] if uid in parents else [] for uid in numbers]
    assert wire(by_references(heads, references)) == "(2)(3 6 (4 23)(44 7 96))"


@pytest.mark.parametrize(
    ("subjects", "told"),
    [
        ([("A", False), ("A", True)], "(1 2)"),
        ([("A", True), ("A", False)], "(2 1)"),
        ([("A", False), ("A", False)], "((1)(2))"),
        ([("A", True), ("A", True)], "((1)(2))"),
        ([("", False), ("", True)], "(1)(2)"),
        ([("A", False), ("A", False), ("A", True)], "((1)(2)(3))"),
    ],
)
def test_threads_of_one_subject_are_gathered(subjects: list[tuple[str, bool]], told: str) -> None:
    heads = [
        head(uid, subject, hours=uid, is_reply=is_reply)
        for uid, (subject, is_reply) in enumerate(subjects, start=1)
    ]
    assert wire(by_references(heads, [[] for _ in heads])) == told


def test_siblings_of_a_message_that_is_not_here() -> None:
    heads = [head(1, message_id="<a@x>"), head(2, message_id="<b@x>")]
    assert wire(by_references(heads, [["<gone@x>"], ["<gone@x>"]])) == "((1)(2))"


def test_quoted_and_plain_ids_are_one_id() -> None:
    assert normal_id(r'<"a\"b"@x>') == '<a"b@x>'
    assert normal_id('<"a@x>') == '<"a@x>'
    heads = [head(1, message_id='<"01"@x>'), head(2, message_id="<2@x>")]
    assert wire(by_references(heads, [[], ["<01@x>"]])) == "(1 2)"


def test_too_many_messages_that_are_not_here_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DUMMIES", 1)
    heads = [head(uid, message_id=f"<{uid}@x>") for uid in (1, 2, 3, 4)]
    references = [["<p@x>"], ["<p@x>"], ["<q@x>"], ["<q@x>", "<1@x>"]]
    assert wire(by_references(heads, references)) == "((1 4)(2))(3)"


def test_ordered_subject_has_no_grandchildren() -> None:
    heads = [
        head(1, "B", hours=5),
        head(2, "A", hours=3),
        head(3, "B", hours=1),
        head(4, "B", hours=5),
        head(5, "C", hours=3),
        head(6, "A", hours=9),
    ]
    assert wire(by_ordered_subject(heads)) == "(3 (1)(4))(2 6)(5)"
    assert wire(by_ordered_subject([])) == ""


COUNT = 100_000


@pytest.mark.parametrize("shape", ["forward", "backward", "dummies", "loops", "moving"])
def test_a_hundred_thousand_messages_of_one_thread(shape: str) -> None:
    heads = [head(uid, message_id=f"<{uid}@x>") for uid in range(1, COUNT + 1)]
    references: list[list[str]] = [[f"<{uid - 1}@x>"] if uid > 1 else [] for uid in range(1, COUNT + 1)]
    if shape == "backward":
        references = [[f"<{uid + 1}@x>"] for uid in range(1, COUNT)] + [[]]
    elif shape == "dummies":  # a chain of messages that are not here, with as many below its end
        half = COUNT // 2
        chain = [[f"<d{at}@x>", f"<d{at + 1}@x>"] for at in range(half)]
        references = chain + [[f"<d{half}@x>"] for _ in range(half)]
    elif shape == "loops":  # each asks to put the first below the last
        half = COUNT // 2
        references = references[:half] + [[f"<{half}@x>", "<1@x>"] for _ in range(half)]
    elif shape == "moving":  # one half hangs on a chain that is cut and linked again, message by message
        half = COUNT // 2
        cut = [f"<{uid}@x>" for uid in range(1, half)]
        references = [[] for _ in range(half)] + references[half:]
        references[0] = []
        references[-1] = [*cut[-90:], f"<{half + 1}@x>"]
        for at in range(1, half):
            references[at] = [f"<{at}@x>"]
    began = time.process_time()
    told = wire(by_references(heads, references))
    assert told.count("(") == told.count(")")
    assert sum(map(str.isdigit, told.replace("(", " ").replace(")", " ").split())) == COUNT
    # Twice the square of the depth would be hours.
    assert time.process_time() - began < 60
