"""clamd itself is asked, by TCP and by its unix socket."""

from typing import TYPE_CHECKING

import pytest

from tests.support.needs import needs_program

if TYPE_CHECKING:
    from tests.conversations.smtp.listening import Doors
    from tests.interop.checkers.programs import Running

pytestmark = needs_program("clamd", package="clamav-daemon")


@pytest.mark.parametrize("is_unix", [False, True])
def test_what_carries_a_virus_is_refused_by_name_and_the_rest_is_taken(
    checked_doors: "Doors", clamd: "Running", is_unix: bool
) -> None:
    from delivery.filters.checkers.case import WhenAway
    from delivery.filters.checkers.checking import Checkers
    from delivery.filters.checkers.clamd import Clamd
    from mailhost.net.endpoints import Endpoint
    from tests.interop.checkers.programs import MARKER, SIGNATURE
    from tests.interop.checkers.sending import only, send
    from tests.support.hosting import new_account

    endpoint = Endpoint(path=str(clamd.folder / "clamd.sock")) if is_unix else clamd.endpoint
    checked_doors.host.checkers = Checkers(clamd=Clamd(endpoint, when_away=WhenAway.DEFER, at_once=5))
    account = new_account()
    refusal = f"554 5.7.1 Not accepted: the message carries a virus ({SIGNATURE})"
    send(checked_doors, account, text=f"Open {MARKER.decode()}", reply=refusal)
    send(checked_doors, account)
    _, verdict = only(account)
    assert [(each.check, each.result) for each in verdict.findings] == [("clamd", "clean")]


@pytest.mark.parametrize("is_unix", [False, True])
def test_what_is_too_large_for_it_is_told_from_what_fails(clamd: "Running", is_unix: bool) -> None:
    """It answers and hangs up while the message is under way; each time the answer has to be seen."""
    import asyncio

    from delivery.filters.checkers.case import Case, Opinion, WhenAway
    from delivery.filters.checkers.clamd import Clamd
    from mailhost.net.endpoints import Endpoint
    from tests.interop.checkers.programs import STREAM_MAX

    endpoint = Endpoint(path=str(clamd.folder / "clamd.sock")) if is_unix else clamd.endpoint
    case = Case(b"x" * (STREAM_MAX * 4), "192.0.2.1", "x", "", ("a@b.test",), "1", "mx.test")

    async def scenario() -> list[Opinion]:
        asked = Clamd(endpoint, when_away=WhenAway.DEFER, at_once=3)
        return await asyncio.gather(*(asked.look(case) for _ in range(100)))

    found = asyncio.run(scenario())
    assert {each.findings[0].result for each in found} == {"too-large"}
