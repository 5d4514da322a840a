"""TLS sessions counted for reports (RFC 8460): in memory, and every few seconds in the database.

Only domains that ask for reports are counted, so that a host that sends to everybody keeps rows of few.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final

from delivery.feedback.ledger import MAX_DOMAINS, Ledger
from delivery.feedback.tallying import Counted
from delivery.feedback.tls.asking import asking
from delivery.feedback.writing import CountWriter
from delivery.models import TlsFeedback, TlsFeedbackRow
from delivery.relay.tls.sessions import TlsSession
from mailhost.net.resolver import Resolver
from mailhost.protocols.certificates import address_in

MAX_ROWS: Final = (
    500  # of one domain and day: hosts, addresses and ways to fail are few where nobody makes them up
)
# What a stranger's policy, host and certificate can fill a row with. Policies of real domains have some lines.
MAX_LINES: Final = 50
MAX_POLICY_CHARACTERS: Final = 4_000
MAX_TEXT: Final = 500

StoreCounts = Callable[[Sequence[Counted[None, TlsSession]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session as it counts: the row's texts are of bounded length."""

    day: date
    domain: str
    row: TlsSession
    head: None = None


def _content(session: TlsSession) -> dict[str, Any]:
    content = asdict(session)
    del content["policy_domain"]
    return content


SESSIONS: Final = Ledger[None, TlsSession](
    days=TlsFeedback,
    rows=TlsFeedbackRow,
    total="session_count",
    head={},
    content=_content,
    max_rows=MAX_ROWS,
)


def as_session(content: dict[str, Any], *, domain: str) -> TlsSession:
    """The row that was kept."""
    return TlsSession(
        **{
            **content,
            "policy_domain": domain,
            "policy_strings": tuple(content["policy_strings"]),
            "mx_patterns": tuple(content["mx_patterns"]),
        }
    )


def count_sessions(
    counted: Sequence[Counted[None, TlsSession]], *, max_domains: int = MAX_DOMAINS, max_rows: int = MAX_ROWS
) -> None:
    """Adds what was counted."""
    SESSIONS.count(counted, max_domains=max_domains, max_rows=max_rows)


def forget_sessions(*, now: datetime, days: int) -> None:
    """Removes what is older than so many days."""
    SESSIONS.forget(now=now, days=days)


def seen(session: TlsSession, *, now: datetime) -> SeenSession:
    """As it counts, on the day (UTC) that it is now."""
    row = replace(
        session,
        policy_domain=_text(session.policy_domain).lower(),
        policy_strings=_texts(session.policy_strings),
        mx_patterns=_texts(session.mx_patterns),
        mx_host=_text(session.mx_host).lower(),
        result=_text(session.result),
        detail=_text(session.detail),
        tlsa_base=_text(session.tlsa_base).lower(),
    )
    return SeenSession(now.astimezone(UTC).date(), row.policy_domain, row)


class SessionWriter(CountWriter[None, TlsSession]):
    """Counts the sessions of one process. store: runs count_sessions in a thread; may raise StoreUnavailable."""

    def __init__(self, *, resolver: Resolver, clock: Callable[[], datetime], store: StoreCounts) -> None:
        super().__init__(self._write_wanted)
        self._resolver = resolver
        self._clock = clock
        self._store_counts = store

    def note_session(self, session: TlsSession) -> None:
        """Waits for nothing. An address, of a literal or a smarthost, has nobody to tell."""
        if address_in(session.policy_domain) is None:
            self.note(seen(session, now=self._clock()))

    async def _write_wanted(self, counted: Sequence[Counted[None, TlsSession]]) -> None:
        wanted = await asking(sorted({each.domain for each in counted}), resolver=self._resolver)
        kept = [each for each in counted if each.domain in wanted]
        if kept:
            await self._store_counts(kept)


def _text(text: str) -> str:
    """As JSON in the database can have it."""
    return text[:MAX_TEXT].encode("utf-8", "replace").decode().replace("\0", "")


def _texts(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The first ones, up to so many characters together."""
    kept: list[str] = []
    room = MAX_POLICY_CHARACTERS
    for line in lines[:MAX_LINES]:
        if len(line) > room:
            break
        room -= len(line)
        kept.append(_text(line))
    return tuple(kept)
