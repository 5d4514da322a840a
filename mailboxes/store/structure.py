"""How much of a message's structure is worked out: the same for all who look at it, so that their parts agree."""

import functools

from django.conf import settings

from mailhost.protocols.message.scanner import Limits


def limits() -> Limits:
    """As the settings have it."""
    return _limits(settings.MAX_MIME_DEPTH, settings.MAX_MIME_PARTS)


@functools.cache
def _limits(depth: int, parts: int) -> Limits:
    # The message itself is a level and a part of them; another part is the rest of those that are too many.
    return Limits(depth=depth + 1, parts=parts + 2)
