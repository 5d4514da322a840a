"""From one message's results to the row that it counts in."""

import pytest

from mailhost.protocols import dkim
from mailhost.protocols.dmarc import DmarcRecord, DmarcResult, Policy, Result
from mailhost.protocols.dmarc.aggregate_reports import DkimOutcome, Override, PublishedPolicy, Row
from mailhost.protocols.dmarc.aggregate_rows import (
    MAX_SIGNATURES,
    MAX_TEXT,
    passed_disposition,
    published_policy,
    row_of,
)
from mailhost.protocols.dmarc.record import parse_record
from mailhost.protocols.spf.results import Result as SpfFound
from mailhost.protocols.spf.results import SpfResult

SPF = SpfResult(SpfFound.SOFTFAIL, "bounce.far.test", "It is probably not.")
ALIGNED = DmarcResult(
    Result.PASS, "far.test", "", Policy.REJECT, "far.test", "far.test", DmarcRecord(), ("news.far.test",)
)


def row(*signatures: dkim.Verification, dmarc: DmarcResult = ALIGNED, spf: SpfResult = SPF) -> Row:
    return row_of(
        source_ip="192.0.2.1",
        envelope_from="bounce.far.test",
        dmarc=dmarc,
        spf=spf,
        signatures=signatures,
        disposition="pass",
        overrides=[Override("other", "x" * 1_000)],
    )


def signature(domain: str, result: dkim.Result = dkim.Result.PASS, selector: str = "s") -> dkim.Verification:
    return dkim.Verification(result, "", domain=domain, selector=selector)


def test_the_policy_is_told_with_its_defaults() -> None:
    assert published_policy("far.test", parse_record(b"v=DMARC1; p=reject; np=none; t=y; fo=1:d")) == (
        PublishedPolicy("far.test", "reject", "reject", "none", "r", "r", "1:d", "y", "treewalk")
    )


def test_a_row_has_what_was_found_and_no_recipient() -> None:
    found = row(signature("news.far.test"))
    assert (found.count, found.dkim, found.spf, found.envelope_to) == (1, "pass", "fail", "")
    assert [(each.domain, each.result, each.scope) for each in found.spf_outcomes] == [
        ("bounce.far.test", "softfail", "mfrom")
    ]


def test_signatures_that_pass_stand_first_and_the_authors_own_before_others() -> None:
    found = row(
        signature("far.test", dkim.Result.FAIL),
        signature("list.test"),
        signature("news.far.test"),
        signature("far.test"),
        dkim.Verification(dkim.Result.PERMERROR, "cannot be read"),
    )
    order = [(each.domain, each.result) for each in found.dkim_outcomes]
    assert order == [
        ("far.test", "pass"),
        ("news.far.test", "pass"),
        ("list.test", "pass"),
        ("far.test", "fail"),
    ]


def test_what_a_sender_makes_up_stays_within_bounds() -> None:
    many = [signature(f"d{number}.test", selector="s" * 10_000) for number in range(100)]
    found = row(*many, spf=SpfResult(SpfFound.NONE, "a\0" + "b" * 9_999 + "\ud800", ""))
    assert len(found.dkim_outcomes) == MAX_SIGNATURES
    texts = [found.dkim_outcomes[0].selector, found.spf_outcomes[0].domain, found.overrides[0].comment]
    assert [len(text) for text in texts] == [MAX_TEXT] * 3
    assert "\0" not in found.spf_outcomes[0].domain


def test_the_order_of_signatures_makes_no_other_row() -> None:
    one, other = signature("a.test"), signature("b.test")
    assert row(one, other, one) == row(other, one)
    assert DkimOutcome("a.test", "s", "pass") in row(one).dkim_outcomes


@pytest.mark.parametrize(
    ("result", "policy", "disposition"),
    [
        (Result.PASS, Policy.REJECT, "pass"),
        (Result.PASS, Policy.NONE, "none"),
        (Result.FAIL, Policy.NONE, "none"),
    ],
)
def test_an_authentic_message_passes_where_another_would_not(
    result: Result, policy: Policy, disposition: str
) -> None:
    assert passed_disposition(DmarcResult(result, "far.test", "", policy)) == disposition
