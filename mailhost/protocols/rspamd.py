"""Rspamd's protocol (/checkv2): what is told of a message in header fields, and its answer in JSON.

https://rspamd.com/doc/developers/protocol.html
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

TARGET: Final = "/checkv2"
MAX_ANSWER_OCTETS: Final = 256 * 1024  # real ones have 5 to 20 KB; reading JSON holds up the event loop
MAX_SYMBOLS: Final = 1_000
MAX_NUMBER: Final = 10_000.0
_MAX_VALUE: Final = 1_000  # characters of a field: paths end at 256, names at 255
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")
_BLANKS: Final = re.compile(r"[^ -~]+")


class RspamdAnswerInvalid(ValueError):
    """What came is no answer to /checkv2. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One rule that had something to say. text: what it means, "" where Rspamd does not know."""

    name: str
    score: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class RspamdAnswer:
    """action: in lower case, as Rspamd names them ("no action", "add header", …).

    thresholds: by action, the score from which on it is taken. message: what the sender is to be told, or "".
    Texts are printable ASCII.
    """

    action: str
    score: float
    required_score: float
    symbols: tuple[Symbol, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    message: str = ""


def request_fields(
    *,
    ip: str,
    helo: str,
    client_name: str,
    reverse_path: str,
    forward_paths: Sequence[str],
    queue_id: str,
    host_name: str,
    tls: tuple[str, str] = ("", ""),
) -> list[tuple[str, bytes]]:
    """What Rspamd is told of how the message came. client_name: "" where the address has none that leads back."""
    version, cipher = tls
    told = [
        ("IP", ip),
        ("Helo", helo),
        ("Hostname", client_name),
        ("From", reverse_path),
        *(("Rcpt", path) for path in forward_paths),
        ("Queue-Id", queue_id),
        ("MTA-Name", host_name),
        ("TLS-Version", version),
        ("TLS-Cipher", cipher),
    ]
    # A null reverse-path is told: without the field Rspamd knows of none, which is another fact.
    return [(name, _field_value(text)) for name, text in told if text or name == "From"]


def parse_answer(octets: bytes) -> RspamdAnswer:
    """Raises RspamdAnswerInvalid."""
    try:
        answer: Any = json.loads(octets)
    except (ValueError, RecursionError) as error:
        raise RspamdAnswerInvalid("Its answer is no JSON.") from error
    if not isinstance(answer, dict):
        raise RspamdAnswerInvalid("Its answer is no JSON object.")
    if "error" in answer and "action" not in answer:
        raise RspamdAnswerInvalid(f"It says: {_words(answer['error'])}.")
    action, score = answer.get("action"), _number(answer.get("score"))
    if not isinstance(action, str) or score is None:
        raise RspamdAnswerInvalid("Its answer has no action and score.")
    return RspamdAnswer(
        action=_words(action).lower(),
        score=score,
        required_score=_number(answer.get("required_score")) or 0.0,
        symbols=tuple(_symbols(answer.get("symbols"))),
        thresholds=dict(_thresholds(answer.get("thresholds"))),
        message=_message(answer.get("messages")),
    )


def _symbols(found: Any) -> Iterator[Symbol]:
    if not isinstance(found, dict):
        return
    for name, symbol in list(found.items())[:MAX_SYMBOLS]:
        if not isinstance(symbol, dict):
            continue
        score = _number(symbol.get("score"))
        if score is not None:
            yield Symbol(_words(name), score, _words(symbol.get("description", "")))


def _thresholds(found: Any) -> Iterator[tuple[str, float]]:
    if not isinstance(found, dict):
        return
    for name, value in list(found.items())[:MAX_SYMBOLS]:
        number = _number(value)
        if number is not None:
            yield _words(name).lower(), number


def _message(found: Any) -> str:
    return _words(found.get("smtp_message", "")) if isinstance(found, dict) else ""


def _number(value: Any) -> float | None:
    """None for what is no number; within bounds, and never infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return max(-MAX_NUMBER, min(MAX_NUMBER, number)) if math.isfinite(number) else None


def _words(value: Any) -> str:
    """One line of printable ASCII."""
    return " ".join(_BLANKS.sub(" ", value[:_MAX_VALUE]).split()) if isinstance(value, str) else ""


def _field_value(text: str) -> bytes:
    return _CONTROLS.sub("", text)[:_MAX_VALUE].strip().encode("utf-8", "surrogateescape")
