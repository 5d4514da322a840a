"""add_domain, add_account, add_alias, add_api_key: what they make, print and refuse."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from domains.models import Address, Alias, Domain
from mailboxes.api_keys import check_api_key
from mailboxes.models import Account, ApiKey
from mailhost.audit.models import Act
from tests.support.hosting import new_account

pytestmark = pytest.mark.django_db


def run(*words: str) -> tuple[str, str]:
    """What the command writes to stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    call_command(*words, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def refusal(*words: str) -> str:
    """The sentence that the command ends with; nothing may have changed."""
    before = (Domain.objects.count(), Account.objects.count(), Address.objects.count(), Act.objects.count())
    with pytest.raises(CommandError) as caught:
        run(*words)
    assert caught.value.returncode != 0
    after = (Domain.objects.count(), Account.objects.count(), Address.objects.count(), Act.objects.count())
    assert after == before
    return str(caught.value)


@pytest.fixture
def domain() -> str:
    run("add_domain", "example.org")
    return "example.org"


def test_a_domain_is_hosted() -> None:
    acts = Act.objects.count()
    assert run("add_domain", "Bücher.example") == ("xn--bcher-kva.example is hosted here now.\n", "")
    assert Domain.objects.filter(name="xn--bcher-kva.example").exists()
    assert Act.objects.count() == acts + 1
    assert Act.objects.latest("id").actor == "cli"


def test_a_domain_alias_is_hosted(domain: str) -> None:
    run("add_domain", "example.net", "--alias-of", "example.org")
    assert str(Domain.objects.get(name="example.net").alias_of) == "example.org"


def test_a_domain_is_refused(domain: str) -> None:
    assert refusal("add_domain", "example.org") == "The domain example.org is hosted here already."
    assert "is not a domain" in refusal("add_domain", "no domain")
    assert "not hosted" in refusal("add_domain", "example.net", "--alias-of", "example.com")
    assert "required: NAME" in refusal("add_domain")


def test_an_account_gets_a_password_that_works(domain: str) -> None:
    password, said = run("add_account", "Alice@Example.ORG", "--quota", "2G")
    account = Account.objects.get(login="alice@example.org")
    assert account.quota_octets == 2 << 30
    assert not account.is_operator
    assert account.check_password(password.removesuffix("\n"))
    assert len(password) > 16
    assert "alice@example.org" in said


def test_a_password_from_standard_input_is_not_printed(domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse \r\nsecond line\n"))
    assert run("add_account", "root@example.org", "--operator", "--password-stdin")[0] == ""
    account = Account.objects.get(login="root@example.org")
    assert account.check_password("correct horse ")
    assert account.is_operator


@pytest.mark.parametrize("given", ["", "\n", "a\tb\n", "x" * 300 + "\n", "a\udc80\n"])
def test_a_password_that_cannot_be_is_refused(
    domain: str, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(given))
    assert "password" in refusal("add_account", "alice@example.org", "--password-stdin")


def test_an_account_is_refused(domain: str) -> None:
    run("add_account", "alice@example.org")
    assert refusal("add_account", "ALICE@example.org") == "The address ALICE@example.org is taken already."
    assert "'alice' is not an address" in refusal("add_account", "alice")
    assert "manage.py add_domain example.net" in refusal("add_account", "alice@example.net")
    assert "catch-all" in refusal("add_account", "*@example.org")
    assert "'5X' is not a number of octets" in refusal("add_account", "bob@example.org", "--quota", "5X")
    assert "'-1' is not" in refusal("add_account", "bob@example.org", "--quota=-1")
    assert "more than can be stored" in refusal("add_account", "bob@example.org", "--quota", "9000000000T")


def test_an_alias_leads_to_its_targets(domain: str) -> None:
    said, _ = run("add_alias", "*@example.org", "alice@example.org", "bob@example.net")
    assert said == "Mail for *@example.org goes to alice@example.org, bob@example.net now.\n"
    assert [
        target.email for target in Alias.objects.get(address__domain__name="example.org").targets.all()
    ] == [
        "alice@example.org",
        "bob@example.net",
    ]


def test_an_alias_is_refused(domain: str) -> None:
    run("add_alias", "sales@example.org", "bob@example.net")
    assert "is taken already" in refusal("add_alias", "sales@example.org", "carol@example.net")
    assert "'bob' is not an address" in refusal("add_alias", "info@example.org", "bob")
    assert "required: TARGET" in refusal("add_alias", "info@example.org")
    assert "not hosted" in refusal("add_alias", "info@example.net", "bob@example.net")


def test_an_api_key_is_printed_alone(domain: str) -> None:
    key, said = run("add_api_key", "provisioning")
    found = check_api_key(key.removesuffix("\n"))
    assert found is not None
    assert found.name == "provisioning"
    assert "cannot be shown again" in said


def test_an_api_key_may_have_the_rights_of_an_account(domain: str) -> None:
    alice = new_account("alice")
    key, _ = run("add_api_key", "hers", "--account", alice.login)
    found = check_api_key(key.removesuffix("\n"))
    assert found is not None
    assert found.account == alice
    assert "There is no account nobody@example.org." in refusal(
        "add_api_key", "theirs", "--account", "nobody@example.org"
    )


def test_an_api_key_is_refused() -> None:
    run("add_api_key", "provisioning")
    keys = ApiKey.objects.count()
    assert "There is an API key provisioning already." in refusal("add_api_key", "provisioning")
    for name in ("", " ", "a\nb", "x" * 101):
        assert "is not a name" in refusal("add_api_key", name)
    assert ApiKey.objects.count() == keys


def test_a_database_that_is_away_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(**_: object) -> None:
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr("domains.management.commands.add_domain.add_domain", away)
    sentence = refusal("add_domain", "example.org")
    assert sentence == "The database does not answer (connection refused). Does the host run?"
