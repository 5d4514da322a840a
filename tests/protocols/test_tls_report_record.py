"""TLSRPT records and the places that they name (RFC 8460 section 3)."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.addresses import EmailAddress
from mailhost.protocols.tls_report_record import (
    MAX_PLACES,
    MAX_RECORD_OCTETS,
    MAX_URIS,
    HttpsPlace,
    NoRecord,
    RecordInvalid,
    https_place,
    places_of,
    report_uris,
)

MAIL = "mailto:reports@far.test"
HTTPS = "https://reports.far.test/v1/tlsrpt?of=far"


@pytest.mark.parametrize(
    ("record", "uris"),
    [
        (f"v=TLSRPTv1;rua={MAIL}", (MAIL,)),
        (f"v=TLSRPTv1; rua={MAIL};", (MAIL,)),
        (f"v=TLSRPTv1 ;\trua={MAIL} , {HTTPS} ; ", (MAIL, HTTPS)),
        (f"v=TLSRPTv1; x-note=a=b; rua={HTTPS}; z.9=!", (HTTPS,)),
        (f"v=TLSRPTv1; rua={MAIL}; rua={HTTPS}, {MAIL}", (MAIL, HTTPS)),
        (f"v=TLSRPTv1; rua=mailto:a!b@far.test,no uri,{HTTPS}", (HTTPS,)),
    ],
)
def test_a_record_names_where_reports_go(record: str, uris: tuple[str, ...]) -> None:
    assert report_uris([b"v=spf1 -all", record.encode(), b"v=TLSRPTv2; rua=mailto:x@y.test"]) == uris


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([], "The domain asks for no TLS reports."),
        ([b"v=spf1 -all", b"V=TLSRPTv1; rua=mailto:a@b.test"], "The domain asks for no TLS reports."),
        ([b"v=tlsrptv1; rua=mailto:a@b.test"], "The domain asks for no TLS reports."),
        (
            [b"v=TLSRPTv1; rua=mailto:a@b.test"] * 2,
            "The domain has more than one TLSRPT record, so that none counts.",
        ),
        ([b"v=TLSRPTv1; rua mailto:a@b.test"], "The TLSRPT record has a part that is no field."),
        ([b"v=TLSRPTv1;; rua=mailto:a@b.test"], "The TLSRPT record has a part that is no field."),
        ([b"v=TLSRPTv1; RUA=mailto:a@b.test"], "The TLSRPT record names no place for reports."),
        ([b"v=TLSRPTv1;"], "The TLSRPT record names no place for reports."),
        ([b"v=TLSRPTv1; rua=mailto:\xc3\xa4@b.test"], "The TLSRPT record is too long, or not ASCII."),
        (
            [b"v=TLSRPTv1; rua=" + b"x" * MAX_RECORD_OCTETS],
            "The TLSRPT record is too long, or not ASCII.",
        ),
    ],
)
def test_what_is_no_record_counts_as_none(records: list[bytes], reason: str) -> None:
    with pytest.raises(NoRecord) as fact:
        report_uris(records)
    assert str(fact.value) == reason
    assert isinstance(fact.value, RecordInvalid) == (reason != "The domain asks for no TLS reports.")


def test_more_uris_than_anybody_has_are_cut() -> None:
    many = ",".join(f"mailto:a{number}@b.test" for number in range(100))
    assert len(report_uris([f"v=TLSRPTv1; rua={many}".encode()])) == MAX_URIS


def test_places_are_addresses_and_https_in_the_records_order() -> None:
    places = places_of(["ftp://far.test/", MAIL, HTTPS, MAIL, "mailto:x@[192.0.2.1]", "http://far.test/"])
    assert places.addresses == (EmailAddress("reports", "far.test"),)
    assert places.https == (HttpsPlace(HTTPS, "reports.far.test", 443, "/v1/tlsrpt?of=far"),)
    assert places.passed_over == (
        "ftp://far.test/ is no place that a report can be sent to.",
        "mailto:x@[192.0.2.1] is no place that a report can be sent to.",
        "http://far.test/ is no place that a report can be sent to.",
    )
    many = places_of(f"mailto:a{number}@b.test" for number in range(MAX_PLACES + 2))
    assert len(many.addresses) == MAX_PLACES
    assert many.passed_over[-1] == f"mailto:a{MAX_PLACES + 1}@b.test is one place too many."


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("https://Far.Test", ("far.test", 443, "/")),
        ("HTTPS://far.test.:8443/a%2Cb?q=1", ("far.test", 8443, "/a%2Cb?q=1")),
        ("https://far.test/#part", ("far.test", 443, "/")),
        ("https://user:secret@far.test/", None),
        ("https://192.0.2.1/", None),
        ("https://10/", None),
        ("https://[2001:db8::1]/", None),
        ("https://far.test:0/", None),
        ("https://far.test:99999/", None),
        ("https:///path", None),
        ("https://[", None),
        ("http://far.test/", None),
        ("https://far.test/a b", None),
    ],
)
def test_an_https_uri_names_a_host_by_its_name(uri: str, place: tuple[str, int, str] | None) -> None:
    found = https_place(uri)
    assert (found and (found.host, found.port, found.target)) == place


TEXTS = st.text(st.sampled_from("v=TLSRPTv1; rua=mailto:https://a@b.test,!?#[]\\ \t%é"), max_size=60)


@given(st.lists(st.one_of(st.binary(max_size=80), TEXTS.map(lambda text: f"v=TLSRPTv1;rua={text}".encode()))))
def test_any_octets_are_read_or_refused(texts: list[bytes]) -> None:
    with contextlib.suppress(NoRecord):
        places = places_of(report_uris(texts))
        for place in places.https:
            assert place.target.startswith("/")
            assert not set("\r\n \t") & set(place.target + place.host)


NAMES = st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,20}", fullmatch=True).filter(lambda name: name != "rua")
VALUES = st.from_regex(r"[!-:<-~]{1,30}", fullmatch=True)
BLANKS = st.text(st.sampled_from(" \t"), max_size=2)


@given(st.lists(st.tuples(BLANKS, NAMES, VALUES, BLANKS)), st.integers(0, 5), BLANKS, st.booleans())
def test_unknown_fields_do_not_matter(
    fields: list[tuple[str, str, str, str]], at: int, blanks: str, is_ended: bool
) -> None:
    parts = [f"{before}{name}={value}{after}" for before, name, value, after in fields]
    parts.insert(at, f"{blanks}rua={MAIL}{blanks},{blanks}{HTTPS}")
    record = f"v=TLSRPTv1{blanks};" + ";".join(parts) + ";" * is_ended
    assert report_uris([record.encode()]) == (MAIL, HTTPS)
