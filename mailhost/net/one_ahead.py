"""Reads the next thing while this one is worked on, so that the database and the client wait less for each other."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def one_ahead(source: AsyncIterator[T]) -> AsyncGenerator[T, None]:
    """What the source gives, in order; each next one is asked for before this one is given.

    To be closed (contextlib.aclosing), so that a consumer that ends early ends what is under way.
    """
    coming = asyncio.ensure_future(anext(source, None))
    try:
        while (current := await coming) is not None:
            coming = asyncio.ensure_future(anext(source, None))
            yield current
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
