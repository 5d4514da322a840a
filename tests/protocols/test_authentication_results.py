"""Authentication-Results (RFC 8601): the field we make, and those of others that claim to be ours."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.authentication_results import (
    MAX_LINE,
    MethodResult,
    arc,
    auth,
    authentication_results_field,
    authserv_id,
    claims_to_be,
    dkim,
    dmarc,
    iprev,
    spf,
)

NAME = "mx.example.test"


def test_the_field_names_every_method() -> None:
    results = [
        spf("pass", mail_from="bounce@news.example.test"),
        dkim("pass", domain="example.test", selector="s1", signature="abcdefghijk=="),
        dmarc("fail", from_domain="example.test", policy="reject", reason="Neither SPF nor DKIM says so."),
        arc("none"),
        iprev("pass", ip="2001:db8::1"),
        auth("pass", identity='"a b"@example.test'),
        spf("none", helo="client.test"),
    ]
    assert authentication_results_field(NAME, results) == (
        b"Authentication-Results: mx.example.test;\r\n"
        b" spf=pass smtp.mailfrom=bounce@news.example.test;\r\n"
        b" dkim=pass header.d=example.test header.s=s1 header.b=abcdefgh;\r\n"
        b' dmarc=fail reason="Neither SPF nor DKIM says so." header.from=example.test\r\n'
        b" policy.dmarc=reject;\r\n"
        b" arc=none;\r\n"
        b' iprev=pass policy.iprev="2001:db8::1";\r\n'
        b' auth=pass smtp.auth="\\"a b\\"@example.test";\r\n'
        b" spf=none smtp.helo=client.test\r\n"
    )


def test_a_field_without_results_says_so() -> None:
    assert authentication_results_field(NAME, []) == b"Authentication-Results: mx.example.test; none\r\n"


@pytest.mark.parametrize("word", ["", "a b", "a;b", "a\r\n", "-a", "a="])
def test_a_method_is_a_keyword(word: str) -> None:
    with pytest.raises(ValueError, match="keyword"):
        authentication_results_field(NAME, [MethodResult(word, "pass")])


@given(
    st.lists(st.builds(spf, st.just("fail"), mail_from=st.text(max_size=400), reason=st.text(max_size=400)))
)
def test_no_value_breaks_the_field(results: list[MethodResult]) -> None:
    field = authentication_results_field(NAME, results)
    lines = field.decode("ascii").split("\r\n")
    assert lines.pop() == ""
    assert all(line.isprintable() and line.startswith(" ") and line.strip() for line in lines[1:])
    # Only a word that nothing can be folded at is longer.
    assert all(len(line) <= MAX_LINE or " " not in line.strip() for line in lines)
    assert all(len(line) < 998 for line in lines)
    value = field.partition(b":")[2].replace(b"\r\n", b"")
    outside = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", value)
    assert outside.count(b";") == max(len(results), 1)
    assert b'"' not in outside
    assert authserv_id(value) == NAME


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b" mx.example.test; spf=pass", "mx.example.test"),
        (b" MX.Example.TEST; none\r\n", "mx.example.test"),
        (b"mx.example.test", "mx.example.test"),
        (b" mx.example.test 1; spf=pass", "mx.example.test"),
        (b" mx.example.test (c) 1 (d) ; spf=pass", "mx.example.test"),
        (b"\r\n (a (nested \\) comment)) mx.example.test; none", "mx.example.test"),
        (b' "mx.example\\.test"; none', "mx.example.test"),
        (b' "mx.example.\r\n test"; none', "mx.example. test"),
        (b" mx.example.test.evil.test; none", "mx.example.test.evil.test"),
        ("bücher.test; none".encode(), "xn--bcher-kva.test"),
        (b" mx.example.test.; none", "mx.example.test"),
        (b" other; mx.example.test=pass", "other"),
        (b"", None),
        (b" ; spf=pass", None),
        (b" (mx.example.test; none", None),
        (b" mx.example.test spf=pass", None),
        (b" mx.example.test/1; none", None),
        (b" mx.example.test@x; none", None),
    ],
)
def test_the_authserv_id_is_found(value: bytes, found: str | None) -> None:
    assert authserv_id(value) == found


@pytest.mark.parametrize(
    "value",
    [
        b" mx.example.test; dkim=pass",
        b" MX.EXAMPLE.TEST 99; dkim=pass",
        b"(x)mx.example.test(y);dkim=pass",
        b' "mx.example.test" ; dkim=pass',
        b" mx.example.test dkim=pass",
        b" mx.example.test/1; dkim=pass",
        b" =mx.example.test; dkim=pass",
        b" (mx.example.test",
        "\uff4d\uff58.example.test; dkim=pass".encode(),
    ],
)
def test_what_speaks_in_our_name_is_known(value: bytes) -> None:
    assert claims_to_be(value, {NAME})


@pytest.mark.parametrize(
    "value",
    [b" list.test; dkim=pass", b" list.test; x=mx.example.test", b" nothing at all", b"", b" (", b'"'],
)
def test_what_others_say_in_their_own_name_stays(value: bytes) -> None:
    assert not claims_to_be(value, {NAME})


PIECES = st.sampled_from(
    [b"(", b")", b'"', b"\\", b";", b" ", b"\r\n", b"mx.example.test", b"=", b"1", b"\xff"]
)


@given(st.lists(PIECES, max_size=20).map(b"".join) | st.binary(max_size=40))
def test_any_octets_are_read(value: bytes) -> None:
    assert claims_to_be(value, {NAME}) <= (b"mx.example.test" in value.lower() or authserv_id(value) == NAME)


def test_ten_thousand_comments_are_read_in_one_go() -> None:
    assert authserv_id(b"(" * 100_000) is None
    assert authserv_id(b"()" * 50_000 + b"mx.example.test; none") == NAME


@pytest.mark.parametrize(
    "value",
    [b"(" * 100_000, b"(a)" * 100_000 + b"mx.example.test;", b"(" + b"\\a" * 100_000 + b") other.test;"],
)
def test_a_field_of_comments_goes_unread(value: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailhost.protocols.authentication_results.authserv_id", pytest.fail)
    assert claims_to_be(value, {NAME})


def test_comments_as_people_write_them_are_read() -> None:
    value = b" other.test;" + b" dkim=pass (2048-bit key; plain)\r\n header.d=a.test;" * 20
    assert not claims_to_be(value, {NAME})
    assert claims_to_be(value.replace(b"other.test", b"(c) MX.example.test"), {NAME})
