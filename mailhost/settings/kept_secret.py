"""Secrets that nobody has to think of: made once for each instance."""

import os
import secrets
import tempfile

from mailhost.settings.places import VAR


def kept_secret(given: str, name: str) -> str:
    """What was given, or a secret made once and kept in var/ (mode 0600)."""
    if given:
        return given
    path = VAR / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{name}")  # mode 0600 from the start
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(made, path)  # does nothing where another process was first
        except FileExistsError:
            pass
        os.unlink(made)
    return path.read_text().strip()
