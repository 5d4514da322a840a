"""/domains/DOMAIN/dkim-keys."""

from domains.models import DkimKey
from mailhost.audit.models import Act
from tests.api.asking import Api, read, refusal


def test_new_keys_are_made_and_told_with_what_to_publish(api: Api) -> None:
    api.put("/domains/example.org")
    assert read(api.get("/domains/example.org/dkim-keys"))["items"] == []
    made = api.ask("POST", "/domains/example.org/dkim-keys/rotate")
    assert made.status_code == 200
    items = read(made)["items"]
    assert [(each["algorithm"], each["state"]) for each in items] == [
        ("rsa", "pending"),
        ("ed25519", "pending"),
    ]
    for each in items:
        assert each["record_name"] == f"{each['selector']}._domainkey.example.org"
        assert each["record"].startswith(f"v=DKIM1; k={each['algorithm']}; p=")
    assert Act.objects.filter(verb="DKIM key made").count() == 2


def test_asked_twice_they_are_the_same(api: Api) -> None:
    api.put("/domains/example.org")
    first = read(api.ask("POST", "/domains/example.org/dkim-keys/rotate"))
    assert read(api.ask("POST", "/domains/example.org/dkim-keys/rotate")) == first
    listed = read(api.get("/domains/example.org/dkim-keys"))["items"]
    assert sorted(each["selector"] for each in first["items"]) == [each["selector"] for each in listed]


def test_no_private_key_is_told(api: Api) -> None:
    api.put("/domains/example.org")
    told = api.ask("POST", "/domains/example.org/dkim-keys/rotate").content
    assert b"private" not in told
    assert all(bytes(key.private_key).hex().encode() not in told for key in DkimKey.objects.all())


def test_a_domain_that_is_not_hosted_has_none(api: Api) -> None:
    assert refusal(api.get("/domains/example.org/dkim-keys")) == (404, "domain_not_found", None)
    rotated = api.ask("POST", "/domains/example.org/dkim-keys/rotate")
    assert refusal(rotated) == (404, "domain_not_found", None)
