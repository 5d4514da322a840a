"""CREATE, DELETE, RENAME, SUBSCRIBE and entries in any order: LIST tells what a plain model has, to every session."""

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

# As a client may write them; the model knows them in their one form.
NAMES = [
    "INBOX",
    "inbox/a",
    "Inbox/a/b",
    "a",
    "a/b",
    "a/b/c",
    "b",
    "b/b",
    "A",
    "&APw-",
    "&APw-/x",
    "e&AwE-",
    "&AOk-",
]
CANONICAL = {"inbox/a": "INBOX/a", "Inbox/a/b": "INBOX/a/b", "e&AwE-": "&AOk-"}
PATTERNS = ["*", "%", "a*", "%/%", "inbox/%", "*b", "&APw-*", "a/%/c", "%/b*", "INBOX", "x%"]
LIST = re.compile(r'\* (LIST|LSUB) \((.*)\) "/" (\S+)')
CODE = re.compile(r"t (OK|NO|BAD)(?: \[(\S+?)[ \]])?")


@dataclass
class Box:
    """A mailbox: what stays with it whatever it is called."""

    mailbox_id: str = ""
    is_subscribed: bool = False
    comment: str = "NIL"


class Names:
    """What one account has."""

    def __init__(self) -> None:
        defaults = ["INBOX", "Drafts", "Sent", "Junk", "Trash", "Archive"]
        self.boxes = {name: Box(is_subscribed=True) for name in defaults}
        self.subscribed_though_gone: set[str] = set()

    def create(self, name: str) -> str:
        if name in self.boxes:
            return "ALREADYEXISTS"
        for each in [*superiors(name), name]:
            if each not in self.boxes:
                self.settle(Box(), each)
        return ""

    def delete(self, name: str) -> str:
        if name == "INBOX":
            return "CANNOT"
        if name not in self.boxes:
            return "HASCHILDREN" if self.family(name) else "NONEXISTENT"
        if self.boxes.pop(name).is_subscribed:
            self.subscribed_though_gone.add(name)
        return ""

    def rename(self, name: str, to: str) -> str:
        if name == "INBOX":
            refusal = self.create(to)
            if not refusal:
                self.boxes[to].comment = self.boxes["INBOX"].comment
            return refusal
        family = self.family(name)
        if not family:
            return "NONEXISTENT"
        if to.startswith(name + "/"):
            return "CANNOT"
        renamed = {each: to + each[len(name) :] for each in family}
        if to in self.boxes or to == name or {*renamed.values()} & ({*self.boxes} - {*family}):
            return "ALREADYEXISTS"
        moving = {renamed[each]: self.boxes.pop(each) for each in family}
        for each, box in moving.items():
            self.settle(box, each)
        for each in superiors(to):
            if each not in self.boxes:
                self.settle(Box(), each)
        return ""

    def subscribe(self, name: str, *, is_subscribed: bool) -> str:
        if name in self.boxes:
            self.boxes[name].is_subscribed = is_subscribed
        elif is_subscribed:
            return "NONEXISTENT"
        self.subscribed_though_gone.discard(name)
        return ""

    def annotate(self, name: str, comment: str) -> str:
        if name not in self.boxes:
            return "NONEXISTENT"
        self.boxes[name].comment = f'"{comment}"'
        return ""

    def family(self, name: str) -> list[str]:
        return [each for each in self.boxes if each == name or each.startswith(name + "/")]

    def settle(self, box: Box, name: str) -> None:
        """A name that comes back is subscribed as it was."""
        box.is_subscribed |= name in self.subscribed_though_gone
        self.subscribed_though_gone.discard(name)
        self.boxes[name] = box

    @property
    def subscribed(self) -> set[str]:
        return {name for name, box in self.boxes.items() if box.is_subscribed} | self.subscribed_though_gone


def superiors(name: str) -> list[str]:
    levels = name.split("/")
    return ["/".join(levels[:depth]) for depth in range(1, len(levels))]


class Session:
    """A client that asks one thing at a time."""

    def __init__(self, port: int, login: str) -> None:
        self.client = Client(port)
        self.client.read_line()
        self.ask(f'LOGIN {login} "correct horse"')

    def ask(self, text: str) -> tuple[list[str], str]:
        """The untagged lines, and the response code of the completion ("" where there is none to speak of)."""
        self.client.send(b"t " + text.encode() + b"\r\n")
        lines: list[str] = []
        while (line := (self.client.read_line() or b"").decode().removesuffix("\r\n")).startswith("* "):
            lines.append(line)
        match = CODE.match(line)
        assert match, f"{text!r}: {line!r}"
        assert match[1] != "BAD", f"{text!r}: {line!r}"
        return lines, (match[2] or "?") if match[1] == "NO" else ""

    def listed(self, text: str) -> dict[str, set[str]]:
        """Attributes by name."""
        lines, refusal = self.ask(text)
        assert not refusal
        found = [match for line in lines if (match := LIST.match(line))]
        told = {match[3]: set(match[2].split()) for match in found}
        assert (
            len(told) == len(found) == len([line for line in lines if line.startswith(("* LIST", "* LSUB"))])
        )
        return told


def change(chance: random.Random, session: Session, model: Names) -> None:
    """One change, and the same of the model."""
    name, other = chance.choice(NAMES), chance.choice(NAMES)
    one, two = CANONICAL.get(name, name), CANONICAL.get(other, other)
    tail = chance.choice(["", "/"])
    word = f"w{chance.randint(0, 99)}"
    verb = chance.choice([*["CREATE", "DELETE", "RENAME"] * 2, "SUBSCRIBE", "UNSUBSCRIBE", "SETMETADATA"])
    match verb:
        case "CREATE":
            arguments, expected = name + tail, model.create(one)
        case "DELETE":
            arguments, expected = name, model.delete(one)
        case "RENAME":
            arguments, expected = f"{name} {other}{tail}", model.rename(one, two)
        case "SETMETADATA":
            arguments, expected = f'{name} (/private/comment "{word}")', model.annotate(one, word)
        case _:
            is_subscribed = verb == "SUBSCRIBE"
            arguments, expected = name + tail, model.subscribe(one, is_subscribed=is_subscribed)
    _, refusal = session.ask(f"{verb} {arguments}")
    assert refusal == expected, (verb, arguments)


def compare(session: Session, model: Names, pattern: str) -> None:
    """What LIST and LSUB tell of the names that the pattern asks for."""
    from mailhost.protocols.imap.list_patterns import matches
    from mailhost.protocols.imap.utf7 import decode_name

    def fits(name: str) -> bool:
        return matches(decode_name(pattern.encode()), decode_name(name.encode()))

    above = {superior for name in model.boxes for superior in superiors(name)}
    plain = session.listed(f'LIST "" "{pattern}"')
    assert plain.keys() == {name for name in {*model.boxes, *above} if fits(name)}
    for name, attributes in plain.items():
        assert ("\\Noselect" in attributes) is (name not in model.boxes)
        assert ("\\HasChildren" in attributes) is (name in above)
    subscribed = session.listed(f'LIST (SUBSCRIBED) "" "{pattern}"')
    assert subscribed.keys() == {name for name in model.subscribed if fits(name)}
    assert all("\\Subscribed" in attributes for attributes in subscribed.values())
    known = session.listed(f'LSUB "" "{pattern}"')
    if not pattern.endswith("%"):
        assert known.keys() == subscribed.keys()
    lines, _ = session.ask(f'LIST "" "{pattern}" RETURN (STATUS (MAILBOXID) METADATA (/private/comment))')
    ids = dict(re.findall(r"\* STATUS (\S+) \(MAILBOXID \((\w+)\)\)", "\n".join(lines)))
    comments = dict(re.findall(r"\* METADATA (\S+) \(/private/comment (.*)\)", "\n".join(lines)))
    assert ids.keys() == comments.keys() == {name for name in model.boxes if fits(name)}
    for name in ids:
        box = model.boxes[name]
        assert comments[name] == box.comment
        assert (box.mailbox_id or ids[name]) == ids[name]
        box.mailbox_id = ids[name]


@examples(5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
def test_names_are_what_the_model_has(doors: "Doors", chance: random.Random) -> None:
    from tests.support.hosting import new_account

    login = new_account().login
    sessions = [Session(doors.plain, login) for _ in range(2)]
    model = Names()
    for _ in range(60):
        change(chance, chance.choice(sessions), model)
        if chance.random() < 0.3:
            compare(chance.choice(sessions), model, chance.choice(PATTERNS))
    for pattern in PATTERNS:
        compare(sessions[0], model, pattern)
    assert len({box.mailbox_id for box in model.boxes.values()}) == len(model.boxes)
    for session in sessions:
        session.client.close()
