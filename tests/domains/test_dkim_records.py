"""A key's record as name servers read it: the strings of a zone file are the one value again."""

import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.dkim_records import record_strings, zone_entry
from domains.models import DkimAlgorithm, DkimKey, Domain

RSA_2048 = "A" * 392  # of base64
LONGEST = "B" * 5_480  # of an RSA key of 32,768 bits
SELECTOR = "20260301-rsa"


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=2_000))
def test_the_strings_are_the_record_and_none_is_too_long(record: str) -> None:
    strings = record_strings(record)
    assert "".join(strings) == record
    assert all(0 < len(each) <= 255 for each in strings)


@pytest.mark.parametrize("public_key", ["short+/=", "C" * 241, "C" * 242, RSA_2048, LONGEST])
def test_a_name_server_reads_the_zone_entry_as_the_record(public_key: str) -> None:
    key = DkimKey(
        domain=Domain(name="example.org"),
        selector=SELECTOR,
        algorithm=DkimAlgorithm.RSA,
        public_key=public_key,
    )
    around = "@ 3600 IN SOA ns. root. 1 2 3 4 5\n@ 3600 IN NS ns.\n"
    zone = dns.zone.from_text(f"$TTL 3600\n{around}{zone_entry(key)}\n", origin="example.org.")
    [record] = zone.find_rdataset(f"{SELECTOR}._domainkey", dns.rdatatype.TXT)
    assert b"".join(record.strings).decode() == key.record
    assert len(record.strings) == -(-len(key.record) // 255)
