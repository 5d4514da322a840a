"""BY (RFC 2852)."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.smtp.commands import parse_mail
from mailhost.protocols.smtp.deliver_by import DeliverBy, by_value, least_seconds, parse_deliver_by
from mailhost.protocols.smtp.replies import CommandRefused


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ("120;R", DeliverBy(120, "R")),
        ("+120;rt", DeliverBy(120, "RT")),
        ("-120;NT", DeliverBy(-120, "NT")),
        ("0;N", DeliverBy(0, "N")),
        ("999999999;n", DeliverBy(999_999_999, "N")),
    ],
)
def test_time_and_mode_are_read(value: str, asked: DeliverBy) -> None:
    assert parse_mail(f"FROM:<alice@example.test> BY={value}").deliver_by == asked


@pytest.mark.parametrize(
    "parameter",
    [
        "BY",
        "BY=120",
        "BY=120;",
        "BY=120;X",
        "BY=120;TR",
        "BY=0;R",
        "BY=-1;R",
        "BY=1000000000;N",
        "BY=1.5;N",
        "BY=١;N",
    ],
)
def test_what_is_no_time_is_refused(parameter: str) -> None:
    with pytest.raises(CommandRefused, match="BY"):
        parse_mail(f"FROM:<alice@example.test> SMTPUTF8 {parameter}")


def test_nothing_is_asked_without_it() -> None:
    assert parse_mail("FROM:<alice@example.test>").deliver_by is None


@given(st.integers(-(10**12), 10**12), st.sampled_from(["N", "NT", "R", "RT"]))
def test_what_is_passed_on_can_be_read_again(seconds: int, mode: str) -> None:
    if mode.startswith("N") or seconds > 0:
        asked = parse_deliver_by(by_value(seconds=seconds, mode=mode))
        assert asked == DeliverBy(max(-999_999_999, min(999_999_999, seconds)), mode)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(CommandRefused):
        asked = parse_deliver_by(text)
        assert asked is None or asked.mode in {"N", "NT", "R", "RT"}


@pytest.mark.parametrize(
    ("parameters", "seconds"), [("", 0), ("60", 60), ("60,OTHER=1", 60), ("x", 0), ("1234567890", 0)]
)
def test_the_least_time_of_a_server_is_read(parameters: str, seconds: int) -> None:
    assert least_seconds(parameters) == seconds
