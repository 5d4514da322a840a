"""What the rules for parts find."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.filters.part_rules import EICAR, GTUBE, part_findings
from delivery.findings import Action
from tests.delivery.filters.letters import letter


def attached(name: str, octets: bytes = b"x") -> bytes:
    return (
        b"--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="%b"\r\n\r\n%b\r\n'
        % (name.encode(), base64.b64encode(octets))
    )


def found(*parts: bytes) -> list[tuple[str, Action]]:
    body = b"".join(parts) + b"--b--\r\n"
    message = letter("MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b"', body=body)
    return [(finding.result, finding.at_least) for finding in part_findings(message)]


def test_a_photograph_and_a_letter_are_let_through() -> None:
    assert found(attached("holiday.jpg"), attached("letter.pdf"), attached("notes.txt")) == []


@pytest.mark.parametrize("name", ["a.exe", "A.SCR ", "x.pdf.js", "y.lnk", "z.vbs."])
def test_programs_are_refused(name: str) -> None:
    assert found(attached(name)) == [("program", Action.REFUSE)]


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("bill.xlsm", "macros"),
        ("bill.iso", "disc-image"),
        ("bill.html", "page"),
        ("bill.pdf.zip", "two-endings"),
    ],
)
def test_what_is_doubtful_counts_for_points(name: str, result: str) -> None:
    assert found(attached(name)) == [(result, Action.DELIVER)]


def test_a_program_in_an_attached_message_is_found() -> None:
    inner = (
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n"
        + attached("a.exe").replace(b"--b", b"--c")
        + b"--c--"
    )
    part = b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n"
    assert found(part) == [("program", Action.REFUSE)]


def test_the_strings_that_filters_are_tried_with_are_known_encoded_or_not() -> None:
    assert found(attached("test.txt", EICAR)) == [("EICAR", Action.REFUSE)]
    assert found(attached("test.bin", EICAR + bytes(100_000))) == [("EICAR", Action.REFUSE)]
    assert found(attached("test.bin", bytes(100_000) + EICAR)) == []  # that is no such file any more
    [finding] = part_findings(letter(body=GTUBE + b"\r\n"))
    assert (finding.result, finding.at_least) == ("GTUBE", Action.REFUSE)


@given(st.binary(max_size=2_000))
def test_no_octets_make_a_rule_fail(octets: bytes) -> None:
    message = letter()
    for finding in part_findings(type(message)(**{**vars(message), "octets": octets})):
        assert finding.text.isprintable()
