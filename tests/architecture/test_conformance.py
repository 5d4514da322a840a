"""docs/conformance.md says what the conversations show, and CAPABILITY tells what it says."""

from tests.architecture.code import ROOT
from tests.conformance.page import mismatches, page, uncovered


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "conformance.md").read_text() == page(), (
        "run: python -m tests.conformance > docs/conformance.md"
    )


def test_every_word_is_said_in_a_conversation() -> None:
    assert uncovered() == []


def test_capabilities_and_rows_are_the_same() -> None:
    assert mismatches() == []
