"""Debian's bogofilter beside ours: started once for many messages, so that no process start is counted."""

import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.spam_figures import Scores

PROGRAM = "bogofilter"
CUT_OFF = 0.99  # its spam_cutoff
# Its own configuration apart from how the figure is written: six digits would make one of what it tells apart.
SPAMICITY = "--spamicity-formats=%0.16f,%0.16f,%0.16f"


def is_installed() -> bool:
    """Whether it is on the PATH."""
    return shutil.which(PROGRAM) is not None


def measure(
    *,
    junk: Sequence[Path],
    wanted: Sequence[Path],
    unseen_junk: Sequence[Path],
    unseen_wanted: Sequence[Path],
) -> Scores:
    """Trained on the first two, it judges the others."""
    scores = Scores("bogofilter", CUT_OFF)
    with tempfile.TemporaryDirectory(prefix="mailhost-bogofilter-") as folder:
        began = time.perf_counter()
        _run(folder, junk, "-s")
        _run(folder, wanted, "-n")
        scores.training_seconds = (time.perf_counter() - began) / (len(junk) + len(wanted))
        began = time.perf_counter()
        scores.junk = _judge(folder, unseen_junk)
        scores.wanted = _judge(folder, unseen_wanted)
        scores.judging_seconds = (time.perf_counter() - began) / (len(unseen_junk) + len(unseen_wanted))
    return scores


def _judge(folder: str, paths: Sequence[Path]) -> list[float]:
    # The name of the file stands before each figure.
    figures = [float(line.rsplit(" ", 1)[1]) for line in _run(folder, paths, "-TT", SPAMICITY).splitlines()]
    if len(figures) != len(paths):
        raise RuntimeError(f"{PROGRAM} judged {len(figures)} of {len(paths)} messages")
    return figures


def _run(folder: str, paths: Sequence[Path], *options: str) -> str:
    words = [PROGRAM, "-C", "-d", folder, "-b", *options]
    names = "".join(f"{path}\n" for path in paths)
    done = subprocess.run(words, input=names, stdout=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1, 2):  # spam, ham, unsure; 3 is an error
        raise RuntimeError(f"{PROGRAM} ended with {done.returncode}")
    return done.stdout
