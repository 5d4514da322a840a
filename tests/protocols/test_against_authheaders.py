"""authheaders and authres, which other people's filters use: they find what we find, and read what we write."""

import functools
import re
from collections.abc import Iterator, Mapping

import authheaders
import pytest
from authheaders import check_arc, check_dkim, check_dmarc
from authres import AuthenticationResultsHeader, SPFAuthenticationResult
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols import arc, authentication_results, dkim, dmarc
from mailhost.protocols.authentication_results import authentication_results_field
from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from tests.protocols.arc.test_against_dkimpy import sealed_by_us
from tests.protocols.dkim.test_against_dkimpy import NOW
from tests.protocols.dkim.zone import ED25519, MESSAGE, RSA, Zone, published
from tests.support.dns_zone import DnsZone, run
from tests.support.examples import examples

HOST = "mx.example.test"


@pytest.fixture(scope="module", autouse=True)
def list_that_is_read_once() -> Iterator[None]:
    """It reads the list of public suffixes anew for each domain: a fifth of a second."""
    cached = functools.cache(authheaders.get_org_domain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authheaders, "get_org_domain", cached)
        patch.setattr(authheaders.dmarc_lookup, "get_org_domain", cached)
        yield


ORGANIZATIONS = ("example.com", "example.co.uk", "other.net")
DOMAINS = st.builds(
    lambda prefix, organization: prefix + organization,
    st.sampled_from(["", "", "a.", "b.a."]),
    st.sampled_from(ORGANIZATIONS),
)
TAGS = st.tuples(
    st.sampled_from(["none", "quarantine", "reject"]),
    st.sampled_from(["", "; adkim=s", "; adkim=r", "; ADKIM = s "]),
    st.sampled_from(["", "; aspf=s", "; aspf=r"]),
    st.sampled_from(["", "; rua=mailto:a@b.test", "; pct=100;", "; x=y"]),
).map(lambda tags: f"v=DMARC1; p={''.join(tags)}")
# No record between From and its organization, and none of From's own without one of that: RFC 9989's walk finds
# another policy there, or another organization, than the list of public suffixes by which RFC 7489 went.
RECORDS = st.dictionaries(st.sampled_from(ORGANIZATIONS), TAGS, max_size=3)
SPF_RESULTS = st.sampled_from(["pass", "pass", "fail", "none", "softfail", "neutral"])


def dns_of(records: Mapping[str, str]) -> tuple[DnsZone, "Mapping[str, str]"]:
    """The same records for us and for them."""
    zone = DnsZone()
    by_name = {f"_dmarc.{domain}": text for domain, text in records.items()}
    for name, text in by_name.items():
        zone.say(name, "TXT", text.encode())
    for domain in ORGANIZATIONS:
        key = published(ED25519)
        for prefix in ("", "a.", "b.a."):
            name = f"ed._domainkey.{prefix}{domain}"
            zone.say(name, "TXT", key)
            by_name[name] = key.decode()
    return zone, by_name


@examples(400)
@given(
    DOMAINS, RECORDS, st.dictionaries(DOMAINS, TAGS, max_size=1), SPF_RESULTS, DOMAINS, st.none() | DOMAINS
)
def test_any_message_has_the_same_dmarc_result(
    author: str,
    records: dict[str, str],
    own: dict[str, str],
    spf_result: str,
    mail_from: str,
    signer: str | None,
) -> None:
    if author in own and registrable_domain(author) in records:
        records = {**records, **own}
    zone, by_name = dns_of(records)
    octets = MESSAGE.replace(b"alice@example.org", f"alice@{author}".encode())
    if signer is not None:
        octets = dkim.sign(octets, domain=signer, selector="ed", key=ED25519, now=NOW) + octets

    def ask(name: str | bytes, timeout: float = 5) -> str | bytes | None:
        asked_in_octets = isinstance(name, bytes)
        found = by_name.get((name.decode() if isinstance(name, bytes) else name).rstrip("."))
        return found.encode() if found and asked_in_octets else found

    theirs_of_dkim = check_dkim(octets, dnsfunc=ask) if signer is not None else None
    theirs_of_spf = SPFAuthenticationResult(result=spf_result, smtp_mailfrom=f"x@{mail_from}")
    theirs = check_dmarc(octets, theirs_of_spf, theirs_of_dkim, dnsfunc=ask)

    async def txt(name: str) -> list[bytes]:
        return list(await zone.txt(name))

    signatures = run(dkim.verify(octets, txt=txt, now=NOW))
    ours = run(
        dmarc.evaluate(
            from_domain=author,
            spf_domain=mail_from,
            spf_result=spf_result,
            dkim_domains=[each.domain for each in signatures if each.result == dkim.Result.PASS],
            txt=zone.txt,
            registrable=registrable_domain,
            exists=zone.exists,
        )
    )
    assert [each.result for each in signatures] == ([theirs_of_dkim.result] if theirs_of_dkim else [])
    assert ours.result == theirs.result
    if theirs.result == "fail":
        assert ours.policy == theirs.policy


WORDS = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60)
PROPERTIES = st.sampled_from(
    ["example.test", "a@b.test", "ann.o'neill+x@b.test", "2001:db8::1", "x y", '"q"@b.test']
)
RESULTS = st.one_of(
    st.builds(
        authentication_results.spf, st.sampled_from(["pass", "fail"]), mail_from=PROPERTIES, reason=WORDS
    ),
    st.builds(
        authentication_results.dkim,
        st.sampled_from(["pass", "neutral"]),
        domain=st.just("example.test"),
        selector=st.sampled_from(["s1", "a.b"]),
        signature=st.sampled_from(["abc+/=xyz0", "AAAAAAAAAA"]),
        reason=WORDS,
    ),
    st.builds(
        authentication_results.dmarc,
        st.sampled_from(["pass", "fail"]),
        from_domain=st.sampled_from(["example.test", "xn--bcher-kva.test", "a.b.example.test"]),
        policy=st.sampled_from(["", "none", "reject"]),
        reason=WORDS,
    ),
    st.builds(
        authentication_results.iprev, st.just("pass"), ip=st.sampled_from(["192.0.2.7", "2001:db8::1"])
    ),
    st.builds(authentication_results.arc, st.sampled_from(["pass", "fail"]), remote_ip=st.just("192.0.2.7")),
)


def unquoted(text: str) -> str:
    """authres takes the quotes off, and leaves the backslashes."""
    return re.sub(r"\\(.)", r"\1", text)


@examples(400)
@given(st.lists(RESULTS, max_size=6))
def test_authres_reads_every_field_that_we_write(
    results: list[authentication_results.MethodResult],
) -> None:
    field = authentication_results_field(HOST, results).decode("ascii")
    read = AuthenticationResultsHeader.parse(re.sub(r"\r\n(?=[ \t])", "", field).strip())
    assert read.authserv_id == HOST
    assert [(each.method, each.result) for each in read.results] == [
        (each.method, each.result) for each in results
    ]
    for theirs, ours in zip(read.results, results, strict=True):
        assert unquoted(theirs.reason or "") == " ".join(ours.reason.split())
        assert [(f"{each.type}.{each.name}", unquoted(each.value)) for each in theirs.properties] == list(
            ours.properties
        )


@pytest.mark.parametrize("hops", range(4))
def test_chains_have_the_same_status(hops: int) -> None:
    octets = MESSAGE
    for _ in range(hops):
        octets = sealed_by_us(octets)
    keys = {"rsa._domainkey.example.org": published(RSA)}

    def ask(name: bytes, timeout: float = 5) -> bytes | None:
        return keys.get(name.decode().rstrip("."))

    for changed in (octets, octets.replace(b"Hello", b"Hallo")):
        ours = run(arc.verify(changed, txt=Zone(), now=NOW))
        assert ours.status == check_arc(changed, dnsfunc=ask).result
