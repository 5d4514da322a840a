"""In which words an attempt keeps what the other host's certificate was found to be, and what they mean."""

from typing import Final

NOT_CHECKED: Final = "not checked"
VERIFIED: Final = "verified"  # how every verdict ends that says so
FAILED: Final = "failed: "  # and how one begins that says why not


def is_verified(words: str) -> bool:
    """Whether a verdict, as it is kept with an attempt, says that the server is who it is meant to be."""
    return words.endswith(VERIFIED) and not words.startswith(
        FAILED
    )  # what failed ends as others named themselves
