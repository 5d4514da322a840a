"""DMARC's result for a message (RFC 9989), with DNS as the test says."""

from collections.abc import Sequence

import pytest

from mailhost.protocols.dmarc import DmarcResult, Policy, Result, evaluate, strictest
from mailhost.protocols.dmarc.public_suffixes import registrable_domain
from mailhost.protocols.dmarc.tree_walk import TreeWalks, steps
from mailhost.protocols.dns_facts import TemporarilyUnavailable
from tests.support.dns_zone import DnsZone, run


def zone(**records: str) -> DnsZone:
    """Records by domain, with _ for its dots."""
    made = DnsZone()
    for domain, text in records.items():
        made.say("_dmarc." + domain.replace("_", "."), "TXT", text.encode())
    return made


def check(
    published: DnsZone,
    from_domain: str = "example.test",
    *,
    spf: tuple[str, str] = ("", "none"),
    dkim: Sequence[str] = (),
    dkim_temperror: Sequence[str] = (),
) -> DmarcResult:
    return run(
        evaluate(
            from_domain=from_domain,
            spf_domain=spf[0],
            spf_result=spf[1],
            dkim_domains=dkim,
            dkim_temperror_domains=dkim_temperror,
            txt=published.txt,
            registrable=registrable_domain,
            exists=published.exists,
        )
    )


def test_a_domain_without_a_record_has_no_policy() -> None:
    found = check(zone(), dkim=["example.test"])
    assert found == DmarcResult(Result.NONE, "example.test", "example.test publishes no DMARC policy.")


def test_a_message_that_nobody_vouches_for_fails() -> None:
    found = check(zone(example_test="v=DMARC1; p=reject"), spf=("other.test", "pass"), dkim=["third.test"])
    assert (found.result, found.policy, found.domain) == (Result.FAIL, Policy.REJECT, "example.test")
    assert found.reason == "Neither SPF nor DKIM authenticates example.test."


@pytest.mark.parametrize(
    ("tags", "spf", "dkim", "result"),
    [
        ("", ("example.test", "pass"), "", Result.PASS),
        ("", ("example.test", "softfail"), "", Result.FAIL),
        ("", ("bounce.example.test", "pass"), "", Result.PASS),
        ("aspf=s", ("bounce.example.test", "pass"), "", Result.FAIL),
        ("aspf=s", ("EXAMPLE.test.", "pass"), "", Result.PASS),
        ("", ("", "none"), "a.b.example.test", Result.PASS),
        ("adkim=s", ("", "none"), "a.b.example.test", Result.FAIL),
        ("adkim=s", ("", "none"), "example.test", Result.PASS),
        ("", ("", "none"), "notexample.test", Result.FAIL),
        ("", ("", "none"), "test", Result.FAIL),
    ],
)
def test_alignment_is_relaxed_or_strict(tags: str, spf: tuple[str, str], dkim: str, result: Result) -> None:
    found = check(zone(example_test=f"v=DMARC1; p=reject; {tags}"), spf=spf, dkim=[dkim] if dkim else [])
    assert found.result is result
    assert found.is_spf_aligned is (result is Result.PASS and not dkim)
    assert bool(found.aligned_dkim) is (result is Result.PASS and bool(dkim))


def test_a_signature_of_the_parent_is_aligned() -> None:
    found = check(zone(example_test="v=DMARC1; p=reject"), "news.example.test", dkim=["example.test"])
    assert found.result is Result.PASS
    assert found.reason == "news.example.test is authenticated: the message is signed by example.test."


@pytest.mark.parametrize(
    ("from_domain", "policy"),
    [
        ("example.test", Policy.NONE),
        ("there.example.test", Policy.QUARANTINE),
        ("gone.example.test", Policy.REJECT),
    ],
)
def test_subdomains_have_policies_of_their_own(from_domain: str, policy: Policy) -> None:
    published = zone(example_test="v=DMARC1; p=none; sp=quarantine; np=reject").say(
        "there.example.test", "A", "::"
    )
    assert check(published, from_domain).policy is policy


def test_whether_a_name_exists_is_asked_for_np_alone() -> None:
    published = zone(example_test="v=DMARC1; p=none; sp=reject")

    async def exists(name: str) -> bool:
        raise TemporarilyUnavailable(name)

    def result(published: DnsZone) -> Result:
        return run(
            evaluate(
                from_domain="a.example.test",
                spf_domain="",
                spf_result="none",
                dkim_domains=[],
                txt=published.txt,
                exists=exists,
            )
        ).result

    assert result(published) is Result.FAIL
    assert result(zone(example_test="v=DMARC1; p=none; np=reject")) is Result.TEMPERROR


def test_the_walk_of_rfc_9989_section_4_10() -> None:
    assert list(steps("a.b.c.d.e.f.g.h.i.j.mail.example.com")) == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]
    assert list(steps("com")) == ["com"]
    assert len(list(steps("1.2.3.4.5.6.7.8"))) == 8


@pytest.mark.parametrize(
    ("records", "domain"),
    [  # the examples of section 4.10.2, and what they leave out
        ({"mail_example_com": "v=DMARC1", "example_com": "v=DMARC1"}, "example.com"),
        ({"mail_example_com": "v=DMARC1; psd=n", "example_com": "v=DMARC1"}, "mail.example.com"),
        ({"com": "v=DMARC1; psd=y"}, "example.com"),
        ({"example_com": "v=DMARC1; psd=y"}, "mail.example.com"),
        ({"a_mail_example_com": "v=DMARC1; psd=y", "com": "v=DMARC1"}, "a.mail.example.com"),
        ({}, "a.mail.example.com"),
        ({"com": "v=DMARC1"}, "example.com"),  # a registry without psd=y: the public suffix list knows
    ],
)
def test_where_the_organization_begins(records: dict[str, str], domain: str) -> None:
    walk = run(TreeWalks(zone(**records).txt).walk("a.mail.example.com"))
    assert walk.organizational_domain(registrable_domain) == domain


def test_a_registry_that_says_too_little_makes_no_organization_of_its_customers() -> None:
    published = zone(co_uk="v=DMARC1; p=reject; sp=quarantine")
    found = check(published, "victim.co.uk", dkim=["evil.co.uk"], spf=("evil.co.uk", "pass"))
    assert (found.result, found.policy, found.domain) == (Result.FAIL, Policy.QUARANTINE, "co.uk")
    assert check(published, "victim.co.uk", dkim=["a.victim.co.uk"]).result is Result.PASS


def test_a_public_suffix_with_psd_gives_its_policy_to_those_without() -> None:
    published = zone(bank="v=DMARC1; p=reject; psd=y", a_bank="v=DMARC1; p=none")
    assert check(published, "b.bank").domain == "bank"
    assert check(published, "x.b.bank").policy is Policy.REJECT
    assert check(published, "x.a.bank").domain == "a.bank"
    assert check(published, "b.bank", dkim=["c.bank"]).result is Result.FAIL
    assert check(published, "bank", dkim=["bank"]).result is Result.PASS


def test_an_organization_within_another_one_stands_alone() -> None:
    published = zone(example_test="v=DMARC1; p=reject", uni_example_test="v=DMARC1; p=none; psd=n")
    assert check(published, "x.uni.example.test").domain == "uni.example.test"
    assert check(published, "x.uni.example.test", dkim=["example.test"]).result is Result.FAIL
    assert check(published, "example.test", dkim=["x.uni.example.test"]).result is Result.FAIL


def test_a_record_between_is_passed_over() -> None:
    published = zone(mail_example_test="v=DMARC1; p=none", example_test="v=DMARC1; p=reject")
    assert check(published, "a.mail.example.test").domain == "example.test"
    assert check(published, "mail.example.test").domain == "mail.example.test"


def test_two_records_are_none() -> None:
    published = zone(example_test="v=DMARC1; p=none").say("_dmarc.example.test", "TXT", b"v=DMARC1; p=reject")
    assert check(published).result is Result.NONE


def test_a_record_that_cannot_be_used_is_permerror() -> None:
    found = check(zone(example_test="v=DMARC1; p=rejekt"))
    assert (found.result, found.policy) == (Result.PERMERROR, Policy.NONE)
    assert (
        found.reason == "The DMARC record of example.test cannot be used: a policy in it is none of DMARC's."
    )


def test_no_answer_for_the_policy_is_temperror() -> None:
    published = zone(example_test="v=DMARC1; p=reject").fall_silent("_dmarc.a.example.test")
    assert check(published, "a.example.test", dkim=["a.example.test"]).result is Result.TEMPERROR


def test_what_might_yet_authenticate_leaves_the_result_open() -> None:
    published = zone(example_test="v=DMARC1; p=reject").fall_silent("_dmarc.slow.example.test")
    for found in (
        check(published, spf=("example.test", "temperror")),
        check(published, dkim_temperror=["a.example.test"]),
        check(published, dkim=["slow.example.test"]),
    ):
        assert (found.result, found.policy) == (Result.TEMPERROR, Policy.NONE)
    assert check(published, dkim=["slow.example.test", "example.test"]).result is Result.PASS


def test_strangers_cost_nothing_and_leave_nothing_open() -> None:
    published = zone(example_test="v=DMARC1; p=reject").fall_silent("_dmarc.evil.test")
    found = check(
        published, spf=("evil.test", "temperror"), dkim=["evil.test"] * 9, dkim_temperror=["x.evil.test"]
    )
    assert found.result is Result.FAIL
    assert published.asked == [("_dmarc.example.test", "TXT"), ("_dmarc.test", "TXT")]


def test_no_name_is_asked_for_twice_or_that_dns_cannot_hold() -> None:
    published = zone(example_test="v=DMARC1; p=reject")
    dkim = [
        "a.b.example.test",
        "c.b.example.test",
        "\xe4.example.test",
        "x" * 64 + ".example.test",
        ".example.test",
    ]
    check(published, "b.example.test", dkim=dkim)
    assert len(published.asked) == len(set(published.asked)) == 5


def test_of_several_authors_the_strictest_that_fails_counts() -> None:
    published = zone(
        example_test="v=DMARC1; p=quarantine", bank_test="v=DMARC1; p=reject", other_test="v=DMARC1; p=none"
    )
    found = [
        check(published, name, dkim=["mine.test"])
        for name in ("mine.test", "example.test", "bank.test", "other.test")
    ]
    worst = strictest(found, reason="There are four.")
    assert (worst.result, worst.policy, worst.domain) == (Result.FAIL, Policy.REJECT, "bank.test")
    assert worst.reason == "There are four. Neither SPF nor DKIM authenticates bank.test."
    assert strictest(found[:1], reason="There are two.") == DmarcResult(Result.NONE, "", "There are two.")
    assert strictest([check(published, dkim=["example.test"])], reason="x").result == Result.NONE
