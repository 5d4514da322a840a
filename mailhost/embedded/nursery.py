"""Imports once what all processes of ours need, and forks them: they start at once, and share memory.

A process of this house takes two seconds of a CPU to import, and there are six. Run as `python -m
mailhost.embedded.nursery PADDING MODULE…` with the modules to import. It reads requests on stdin, a line of JSON each:
`{"name", "module", "words", "log"}` runs `python -m module words…` in a fork; it writes `{"loaded": true}`,
`{"started": pid}` and `{"ended": pid, "code": n}`. It ends with its input.
"""

import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from mailhost.embedded.launch import PR_SET_PDEATHSIG

PADDING = "-" * 400  # room on the command line, for the titles of the forks
PR_SET_NAME = 15


@dataclass(frozen=True, slots=True)
class Request:
    """One program to run, as `python -m module words…`."""

    name: str
    module: str
    words: list[str]
    log: str


def serve() -> Request | None:
    """Forks for each request; returns its request in the fork, and None at the end of the input."""
    replies = os.dup(1)
    os.dup2(2, 1)  # whatever prints while it is imported shall not be read as a reply
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake, selectors.EVENT_READ)
    tell(replies, loaded=True)
    pending = b""
    while True:
        for key, _ in selector.select():
            if key.fd == wake:
                os.read(wake, 512)
                tell_of_ended(replies)
                continue
            octets = os.read(0, 65536)
            if not octets:
                return None
            *lines, pending = (pending + octets).split(b"\n")
            for line in lines:
                request = Request(**json.loads(line))
                parent = os.getpid()
                if (pid := os.fork()) == 0:
                    selector.close()
                    become(request, parent, unwanted=[replies, wake, waker])
                    return request
                tell(replies, started=pid)


def tell(fd: int, **words: object) -> None:
    os.write(fd, json.dumps(words).encode() + b"\n")


def tell_of_ended(fd: int) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        tell(fd, ended=pid, code=os.waitstatus_to_exitcode(status))


def become(request: Request, parent: int, *, unwanted: list[int]) -> None:
    """Makes a fork look like a process of its own: session, signals, files, title; and lets it die with us."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for fd in (nothing, log, *unwanted):
        os.close(fd)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        libc.prctl(PR_SET_NAME, request.name.encode(), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        set_title([sys.executable, "-m", request.module, *request.words])


def set_title(words: list[str]) -> None:
    """What `ps` shows: written over the command line this process was started with (proc(5), arg_start and arg_end)."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = (
        int(fields[45]),
        int(fields[46]),
    )  # fields 48 and 49, counted from the state, which is the third
    room = end - start
    if room > len(PADDING):
        ctypes.memmove(start, "\0".join(words).encode()[: room - 1].ljust(room, b"\0"), room)


def main() -> None:
    gc.disable()
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.enable()
    gc.collect()
    gc.freeze()  # so that the forks' collections do not touch, and so copy, what they share
    request = serve()
    if request is not None:
        sys.argv = [request.module, *request.words]
        runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
