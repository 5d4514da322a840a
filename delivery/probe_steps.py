"""The steps of a delivery test (probe.py), and in which words it ends."""

from dataclasses import dataclass
from enum import StrEnum

from delivery.relay.outcome import Bounced, Deferred
from mailhost.protocols.smtp.client import Extensions, ServerReply


class State(StrEnum):
    """What a step came to."""

    DONE = "done"
    NOTED = "noted"  # goes on, and is worth knowing
    FAILED = "failed"


class Verdict(StrEnum):
    """What would become of a mail now."""

    LEAVES = "leaves"
    WAITS = "waits"
    COMES_BACK = "comes back"
    STAYS = "stays here"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what was done, what it came to in a sentence, and how long it took. The last one has the verdict."""

    name: str
    state: State
    text: str
    seconds: float = 0.0
    verdict: Verdict | None = None


def extensions_in_words(extensions: Extensions) -> str:
    """A sentence."""
    offered = sorted(extensions.offered)
    return f"It offers {', '.join(offered)}." if offered else "It offers none."


def end(verdict: Verdict, text: str) -> Step:
    """The last step."""
    state = State.DONE if verdict in (Verdict.LEAVES, Verdict.STAYS) else State.FAILED
    return Step("Result", state, text, verdict=verdict)


def end_of(outcome: Deferred | Bounced) -> Step:
    """The last step, where no host was reached."""
    if isinstance(outcome, Bounced):
        return end(Verdict.COMES_BACK, "It would come back to its sender.")
    return end(Verdict.WAITS, "It would wait in the queue, and be tried again.")


def end_by(reply: ServerReply) -> Step:
    """The last step, where the other server did not take sender or recipient."""
    if reply.is_permanent:
        return end(Verdict.COMES_BACK, "It would come back to its sender, with this answer.")
    return end(Verdict.WAITS, "It would wait in the queue, and be tried again.")
