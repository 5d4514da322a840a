"""DMARC records, read as RFC 9989 sections 4.7 and 4.8 have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dmarc.record import (
    MAX_URIS,
    DmarcRecord,
    Policy,
    ReportUri,
    find_record,
    parse_record,
)


@pytest.mark.parametrize(
    ("text", "record"),
    [
        (b"v=DMARC1", DmarcRecord()),
        (b"v=DMARC1; p=reject", DmarcRecord(Policy.REJECT)),
        (b"v = DMARC1 ;p = Quarantine ; ", DmarcRecord(Policy.QUARANTINE)),
        (
            b"v=DMARC1; sp=none; np=reject; p=quarantine; t=y; psd=n; adkim=s; aspf=S",
            DmarcRecord(
                Policy.QUARANTINE,
                Policy.NONE,
                Policy.REJECT,
                is_dkim_strict=True,
                is_spf_strict=True,
                is_testing=True,
                psd="n",
            ),
        ),
        (
            b"v=DMARC1; p=reject; pct=10; rf=afrf; ri=86400; unknown=x; p=none",
            DmarcRecord(Policy.REJECT),
        ),
        (b"v=DMARC1; p=reject; adkim=x; aspf=; t=maybe; psd=z; fo=q; nonsense", DmarcRecord(Policy.REJECT)),
        (
            b"v=DMARC1; rua=mailto:a@x.test!10m , mailto:b@y.test,nonsense,https://r.test/in;"
            b" ruf=mailto:f@x.test; fo=1:d",
            DmarcRecord(
                failure_options=frozenset("1d"),
                aggregate_uris=(
                    ReportUri("mailto:a@x.test", 10 << 20),
                    ReportUri("mailto:b@y.test"),
                    ReportUri("https://r.test/in"),
                ),
                failure_uris=(ReportUri("mailto:f@x.test"),),
            ),
        ),
        (b"v=DMARC1; p=rejct", DmarcRecord(is_usable=False)),
        (b"v=DMARC1; p=reject; sp=rejct", DmarcRecord(is_usable=False)),
        (
            b"v=DMARC1; p=reject; np=; rua=mailto:a@x.test",
            DmarcRecord(aggregate_uris=(ReportUri("mailto:a@x.test"),)),
        ),
    ],
)
def test_a_record_is_read(text: bytes, record: DmarcRecord) -> None:
    assert find_record([b"v=spf1 -all", text, b"\xff"]) == record


@pytest.mark.parametrize(
    "records",
    [
        [],
        [b"v=DMARC1; p=none", b"v=DMARC1; p=reject"],
        [b"v=dmarc1; p=none"],
        [b"v=DMARC12; p=none"],
        [b"p=none; v=DMARC1"],
        [b" v=DMARC1; p=none"],
        [b"\xef\xbb\xbfv=DMARC1; p=none"],
    ],
)
def test_what_is_no_record_is_none(records: list[bytes]) -> None:
    assert find_record(records) is None


@pytest.mark.parametrize(
    ("is_subdomain", "is_existing", "policy"),
    [
        (False, True, Policy.NONE),
        (False, False, Policy.NONE),
        (True, True, Policy.QUARANTINE),
        (True, False, Policy.REJECT),
    ],
)
def test_p_sp_and_np_are_for_different_names(is_subdomain: bool, is_existing: bool, policy: Policy) -> None:
    record = parse_record(b"v=DMARC1; p=none; sp=quarantine; np=reject")
    assert record.policy_for(is_subdomain=is_subdomain, is_existing=is_existing) is policy


@pytest.mark.parametrize(("sp", "policy"), [(b"sp=none;", Policy.NONE), (b"", Policy.REJECT)])
def test_what_is_missing_falls_back(sp: bytes, policy: Policy) -> None:
    record = parse_record(b"v=DMARC1; p=reject;" + sp)
    assert record.policy_for(is_subdomain=True, is_existing=False) is policy


@pytest.mark.parametrize(
    ("policy", "applied"),
    [(b"none", Policy.NONE), (b"quarantine", Policy.NONE), (b"reject", Policy.QUARANTINE)],
)
def test_a_domain_that_is_testing_gets_one_level_less(policy: bytes, applied: Policy) -> None:
    record = parse_record(b"v=DMARC1; t=y; p=" + policy)
    assert record.policy_for(is_subdomain=False, is_existing=True) is applied


def test_addresses_for_reports_are_bounded() -> None:
    record = parse_record(b"v=DMARC1; rua=" + b",".join(b"mailto:a%d@x.test" % i for i in range(3000)))
    assert len(record.aggregate_uris) == MAX_URIS


@pytest.mark.parametrize(
    ("size", "octets"),
    [(b"!7", 7), (b"!2k", 2048), (b"!3M", 3 << 20), (b"!1g", 1 << 30), (b"!1T", 1 << 40), (b"", None)],
)
def test_the_size_that_is_taken_stands_behind_an_address(size: bytes, octets: int | None) -> None:
    record = parse_record(b"v=DMARC1; rua=mailto:a@x.test" + size)
    assert record.aggregate_uris == (ReportUri("mailto:a@x.test", octets),)


@given(
    st.lists(
        st.sampled_from(
            [
                b"p=",
                b"reject",
                b"none",
                b";",
                b" ",
                b"=",
                b"rua=",
                b"mailto:a@b.test",
                b"!1k",
                b",",
                b"t=y",
                b"\xff",
                b"fo=0:d:s",
                b"psd=y",
            ]
        )
        | st.binary(max_size=3)
    )
)
def test_any_octets_are_read(pieces: list[bytes]) -> None:
    record = parse_record(b"v=DMARC1;" + b"".join(pieces))
    assert record.failure_options
    assert all("!" not in each.uri and "," not in each.uri for each in record.aggregate_uris)
