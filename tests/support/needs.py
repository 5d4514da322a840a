"""Marks for tests that need something which not every machine has; the skip's line says what to install."""

import shutil
from pathlib import Path

import pytest

SEARCHED_TOO = ("/usr/sbin", "/usr/local/sbin", "/usr/lib/dovecot")


def find_program(name: str) -> str | None:
    """The program's path; system folders that an ordinary user's PATH leaves out are searched too."""
    found = shutil.which(name)
    if found is not None:
        return found
    return next((str(path) for folder in SEARCHED_TOO if (path := Path(folder) / name).exists()), None)


def needs_program(name: str, *, package: str) -> pytest.MarkDecorator:
    """Skips where the program is absent: `pytestmark = needs_program("mbsync", package="isync")`."""
    return pytest.mark.skipif(
        find_program(name) is None, reason=f"{name} is not installed: apt-get install {package}"
    )
