"""Whatever octets and records come, there is an outcome for each signature, and only what is right passes."""

from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.dkim import Result, check, find_signatures, read_signed_message
from mailhost.protocols.dkim.keys import choose_key
from mailhost.protocols.dkim.signatures import MessageSignature
from mailhost.protocols.dkim.tag_lists import TagSyntaxError, parse_tags
from tests.protocols.dkim.making import signed
from tests.protocols.dkim.zone import MESSAGE, NOW, RSA, RSA_NAME, published, verified
from tests.support.examples import examples

# Pieces that steer random octets into the corners of tag lists, headers and key records.
PIECES = st.sampled_from(
    [
        b"DKIM-Signature:", b"dkim-signature :", b"From: a@b\r\n", b"v=1;", b" v = 1 ;", b"a=rsa-sha256;",
        b"a=ed25519-sha256;", b"a=rsa-sha1;", b"d=example.org;", b"d=\xc3\xbc.example;", b"d=xn--;",
        b"s=rsa;", b"s=ed;", b"h=From;", b"h=from:from:to;", b"h=From:DKIM-Signature;", b"bh=QUJD;",
        b"b=QUJD", b"b=;", b"l=0;", b"l=99999999999999;", b"t=1;", b"x=99999999999;", b"c=relaxed;",
        b"c=simple/relaxed;", b"i=@example.org;", b"i=a=40=FF@x.example.org;", b"q=dns/txt:x;", b"z=a|b;",
        b"v=DKIM1;", b"k=rsa;", b"k=ed25519;", b"p=;", b"p=QUJD;", b"t=y:s;", b"h=sha256;", b"s=*;",
        b"g=*;", b"\r\n", b"\n", b"\r", b"\r\n ", b"\r\n\r\n", b" ", b"\t", b";", b"=", b":", b"\0",
        b"\xff",
    ]
)  # fmt: skip
OCTETS = st.one_of(
    st.binary(max_size=200), st.lists(st.one_of(PIECES, st.binary(max_size=4)), max_size=40).map(b"".join)
)


@examples(400)
@given(OCTETS, st.lists(OCTETS, max_size=3))
def test_hostile_messages_and_records(octets: bytes, records: list[bytes]) -> None:
    for each in verified(octets, {RSA_NAME: records, "ed._domainkey.example.org": None}):
        assert each.result is not Result.PASS
        assert each.reason.endswith(".")
        assert each.domain.isascii()
        assert each.identity.isprintable()


@examples(200)
@given(OCTETS, st.integers(0, 2_000), st.integers(0, 20))
def test_hostile_octets_in_what_was_signed(octets: bytes, place: int, cut: int) -> None:
    message = signed(MESSAGE)
    at = place % len(message)
    for each in verified(message[:at] + octets + message[at + cut :]):
        assert each.reason


@examples(200)
@given(st.lists(OCTETS, max_size=3))
def test_hostile_records_for_what_was_signed(records: list[bytes]) -> None:
    message = read_signed_message(signed(MESSAGE))
    (signature,) = find_signatures(message, now=NOW)
    assert isinstance(signature, MessageSignature)
    assert check(message, signature, choose_key(records, name=RSA_NAME)).result is not Result.PASS


@examples(400)
@given(OCTETS)
def test_tags_lie_where_they_say(octets: bytes) -> None:
    try:
        tags = parse_tags(octets)
    except TagSyntaxError:
        return
    for name, tag in tags.items():
        assert octets[tag.start : tag.end].strip(b" \t\r\n") == tag.value
        assert octets[: tag.start].rstrip(b" \t\r\n").endswith(b"=")
        assert name.encode() in octets[: tag.start]


def test_a_flood_of_signatures_names_and_tags_comes_to_an_end() -> None:
    flood = [
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=rsa; b=QUJD; bh=QUJD; h=From%b\r\n"
        % (b":x" * 30_000),
        b"DKIM-Signature: " + b"a=b;" * 16_000 + b"\r\n",
        b"DKIM-Signature: " + b"; ".join(b"t%d=" % number for number in range(8_000)) + b"\r\n",
        b"DKIM-Signature: v=1; d=" + b"a." * 30_000 + b"\r\n",
        b"DKIM-Signature: v=1; i=" + b"=" * 60_000 + b"\r\n",
        b"DKIM-Signature:" + b" \r\n" * 20_000,
    ]
    octets = b"".join(flood) + b"X: y\r\n" * 5_000 + MESSAGE
    assert {each.result for each in verified(octets)} <= {Result.NEUTRAL, Result.FAIL}


def test_a_body_is_hashed_once_for_all_signatures() -> None:
    message = read_signed_message(signed(MESSAGE))
    (signature,) = find_signatures(message, now=NOW)
    assert isinstance(signature, MessageSignature)
    key = choose_key([published(RSA)], name=RSA_NAME)
    assert check(message, signature, key).result is Result.PASS
    message.octets = b""  # a second look would find no body
    assert check(message, signature, key).result is Result.PASS
