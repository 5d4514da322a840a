"""STAT, LIST (RFC 1939 section 5) and UIDL (section 7)."""

from collections.abc import Callable

from mailboxes.pop3.session import Session
from mailhost.protocols.pop3.commands import List, Stat, Uidl
from mailhost.protocols.pop3.replies import listing, ok


async def stat(session: Session, command: Stat) -> None:
    """Count and octets of what is not marked as deleted."""
    maildrop = session.maildrop
    sizes = [maildrop.size_octets(number) for number in maildrop.numbers()]
    await session.send(ok(f"{len(sizes)} {sum(sizes)}"))


async def list_(session: Session, command: List) -> None:
    """Sizes."""
    await _list(session, command.number, session.maildrop.size_octets)


async def uidl(session: Session, command: Uidl) -> None:
    """Unique ids."""
    await _list(session, command.number, session.maildrop.unique_id)


async def _list(session: Session, number: int | None, tell: Callable[[int], object]) -> None:
    maildrop = session.maildrop
    if number is not None:
        maildrop.find(number)
        await session.send(ok(f"{number} {tell(number)}"))
        return
    lines = (f"{each} {tell(each)}" for each in maildrop.numbers())
    await session.send_all(listing(ok("They follow."), lines))
