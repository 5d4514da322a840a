"""Many sessions on one mailbox, in every mode: all are told every change, in the order in which it happened."""

from typing import TYPE_CHECKING

import pytest

from tests.support.transcript import Client

if TYPE_CHECKING:
    from tests.conversations.imap.doors import Doors

MODES = (b"", b"CONDSTORE", b"QRESYNC", b"IMAP4rev2", b"UIDONLY", b"IMAP4rev2 UIDONLY QRESYNC")
# What one session does, and what that is to others: UIDs, flags, mod-sequence.
STEPS = (
    (b"STORE 2 +FLAGS.SILENT (\\Seen)", "flags", (2,), b"\\Seen", 5),
    (b"APPEND INBOX {12+}\r\nSubject: x\r\n", "arrival", (4,), b"", 6),
    (b"STORE 1,3 +FLAGS.SILENT (\\Deleted)", "flags", (1, 3), b"\\Deleted", 7),
    (b"EXPUNGE", "gone", (1, 3), b"", 8),
    (b"UID STORE 4 FLAGS.SILENT (word \\Draft)", "flags", (4,), b"\\Draft%b word", 9),
    (b"UID MOVE 2,4 Trash", "gone", (2, 4), b"", 10),
)


def signed_in(port: int, login: str, mode: bytes) -> Client:
    client = Client(port)
    client.read_line()
    run(client, f'LOGIN {login} "correct horse"'.encode())
    if mode:
        run(client, b"ENABLE " + mode)
    run(client, b"SELECT INBOX")
    return client


def run(client: Client, text: bytes) -> None:
    client.send(b"t " + text + b"\r\n")
    while not (line := client.read_line() or b"").startswith(b"t "):
        assert line
    assert line.startswith(b"t OK"), (text, line)


class Watching:
    """A session in IDLE, and what it must hear."""

    def __init__(self, client: Client, mode: bytes) -> None:
        self.client = client
        self.modes = set(mode.split())
        self.uids = [1, 2, 3]
        client.send(b"i IDLE\r\n")
        assert (client.read_line() or b"").startswith(b"+ ")

    def expects(self, what: str, uids: tuple[int, ...], flags: bytes, modseq: int) -> list[bytes]:
        is_rev2 = b"IMAP4rev2" in self.modes
        if what == "arrival":
            self.uids += uids
            recent = [] if is_rev2 else [b"* 1 RECENT\r\n"]
            return [b"* %d EXISTS\r\n" % len(self.uids), *recent]
        if what == "gone":
            return self.gone(uids, is_rev2=is_rev2)
        recent_flag = b"" if is_rev2 else b" \\Recent"
        words = flags.replace(b"%b", recent_flag)
        return [self.flags(uid, words, modseq) for uid in uids]

    def flags(self, uid: int, words: bytes, modseq: int) -> bytes:
        told = b" MODSEQ (%d)" % modseq if self.modes & {b"CONDSTORE", b"QRESYNC"} else b""
        if b"UIDONLY" in self.modes:
            return b"* %d UIDFETCH (FLAGS (%b)%b)\r\n" % (uid, words, told)
        return b"* %d FETCH (UID %d FLAGS (%b)%b)\r\n" % (1 + self.uids.index(uid), uid, words, told)

    def gone(self, uids: tuple[int, ...], *, is_rev2: bool) -> list[bytes]:
        numbers = [1 + self.uids.index(uid) for uid in reversed(uids)]
        for uid in uids:
            self.uids.remove(uid)
        recent = [b"* 0 RECENT\r\n"] if 4 in uids and not is_rev2 else []
        if self.modes & {b"QRESYNC", b"UIDONLY"}:
            return [b"* VANISHED %b\r\n" % b",".join(b"%d" % uid for uid in uids), *recent]
        return [*(b"* %d EXPUNGE\r\n" % number for number in numbers), *recent]

    def end(self) -> None:
        self.client.send(b"DONE\r\n")
        assert self.client.read_line() == b"i OK IDLE completed\r\n"
        self.client.close()


@pytest.mark.parametrize("count", [2, 10, 100])
def test_all_are_told_the_same_in_the_same_order(
    doors: "Doors", login: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors.host.accounts.by_account, "_at_most", 1_000)
    from tests.conversations.imap.messages import put_message

    for subject in ("one", "two", "three"):
        put_message(login, subject)
    acting = signed_in(doors.plain, login, b"")
    modes = [MODES[number % len(MODES)] for number in range(count)]
    watching = [Watching(signed_in(doors.plain, login, mode), mode) for mode in modes]
    for text, what, uids, flags, modseq in STEPS:
        run(acting, text)
        for each in watching:
            for line in each.expects(what, uids, flags, modseq):
                assert each.client.read_line() == line, (each.modes, text)
    for each in watching:
        each.end()
    acting.close()


@pytest.mark.parametrize("mode", [mode for mode in MODES if mode])
def test_ten_sessions_that_act_at_once_agree(doors: "Doors", login: str, mode: bytes) -> None:
    """Every session changes flags and asks for nothing in between: afterwards all see the same."""
    from tests.conversations.imap.messages import put_message

    for number in range(6):
        put_message(login, f"message {number}")
    clients = [signed_in(doors.plain, login, mode) for _ in range(10)]
    for turn in range(4):
        for number, client in enumerate(clients):
            uid = 1 + (number + turn) % 6
            client.send(b"t UID STORE %d %bFLAGS (k%d)\r\n" % (uid, b"+-"[turn % 2 : turn % 2 + 1], number))
        for client in clients:
            while not (line := client.read_line() or b"").startswith(b"t "):
                assert line
    seen = set()
    for client in clients:
        run(client, b"NOOP")
        client.send(b"f UID FETCH 1:* (FLAGS MODSEQ)\r\n")
        told = []
        while not (line := client.read_line() or b"").startswith(b"f "):
            told.append(line.replace(b" \\Recent", b"").replace(b"\\Recent ", b"").replace(b"\\Recent", b""))
        seen.add(b"".join(each for each in told if b"HIGHESTMODSEQ" not in each))
        client.close()
    assert len(seen) == 1, seen
