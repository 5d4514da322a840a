"""/domains."""

from domains.models import Domain
from mailhost.audit.models import Act
from tests.api.asking import Api, read, refusal


def test_a_domain_is_put_read_and_deleted(api: Api) -> None:
    put = api.put("/domains/example.org")
    assert put.status_code == 201
    assert read(put)["name"] == "example.org"
    assert read(put)["is_enabled"] is True
    got = api.get("/domains/example.org")
    assert got.status_code == 200
    assert read(got) == read(put)
    deleted = api.delete("/domains/example.org")
    assert deleted.status_code == 204
    assert deleted.content == b""
    assert refusal(api.get("/domains/example.org")) == (404, "domain_not_found", None)
    assert refusal(api.delete("/domains/example.org")) == (404, "domain_not_found", None)


def test_a_put_without_any_body_will_do(api: Api) -> None:
    assert api.ask("PUT", "/domains/example.org").status_code == 201


def test_putting_the_same_twice_changes_nothing_and_leaves_one_trace(api: Api) -> None:
    assert api.put("/domains/example.org", is_enabled=False).status_code == 201
    acts = Act.objects.count()
    again = api.put("/domains/example.org", is_enabled=False)
    assert again.status_code == 200
    assert read(again)["is_enabled"] is False
    assert Act.objects.count() == acts


def test_what_is_left_out_stays_as_it_is(api: Api) -> None:
    api.put("/domains/example.org", is_enabled=False)
    assert read(api.put("/domains/example.org"))["is_enabled"] is False
    assert read(api.put("/domains/example.org", is_enabled=True))["is_enabled"] is True


def test_u_labels_and_any_case_name_the_same_domain(api: Api) -> None:
    assert read(api.put("/domains/B%C3%BCcher.Example"))["name"] == "xn--bcher-kva.example"
    assert api.get("/domains/XN--BCHER-KVA.example").status_code == 200
    assert api.put("/domains/b%C3%BCcher.example").status_code == 200
    assert Domain.objects.filter(name__contains="cher").count() == 1


def test_a_domain_alias_names_its_domain(api: Api) -> None:
    api.put("/domains/example.org")
    assert read(api.put("/domains/example.net", alias_of="Example.ORG"))["alias_of"] == "example.org"
    assert refusal(api.put("/domains/example.com", alias_of="example.net"))[:2] == (
        409,
        "domain_alias_invalid",
    )
    assert read(api.put("/domains/example.net", alias_of=None))["alias_of"] is None


def test_an_alias_of_a_domain_that_is_not_hosted_is_no_404(api: Api) -> None:
    assert refusal(api.put("/domains/example.net", alias_of="example.org")) == (
        422,
        "domain_not_found",
        "alias_of",
    )
    assert not Domain.objects.filter(name="example.net").exists()


def test_a_domain_with_accounts_or_aliases_is_kept(api: Api) -> None:
    api.put("/domains/example.org")
    api.put("/domains/example.org/aliases/sales", targets=["bob@example.net"])
    assert refusal(api.delete("/domains/example.org")) == (409, "domain_not_empty", None)
    api.delete("/domains/example.org/aliases/sales")
    api.put("/domains/example.org/accounts/alice", password="correct horse")
    assert refusal(api.delete("/domains/example.org")) == (409, "domain_not_empty", None)


def test_what_is_no_domain_is_refused_with_a_sentence(api: Api) -> None:
    for path in (
        "/domains/-.org",
        "/domains/%00",
        "/domains/a%20b.org",
        "/domains/127.0.0.1",
        f"/domains/{'a' * 300}",
    ):
        assert refusal(api.put(path))[:2] == (422, "invalid_address")
        assert refusal(api.get(path))[:2] == (422, "invalid_address")


def test_fields_of_other_names_and_types_are_refused_by_name(api: Api) -> None:
    assert refusal(api.put("/domains/example.org", is_enabled="yes")) == (422, "invalid_value", "is_enabled")
    assert refusal(api.put("/domains/example.org", is_enabled=None)) == (422, "invalid_value", "is_enabled")
    assert refusal(api.put("/domains/example.org", enabled=True)) == (422, "invalid_value", "enabled")
    assert refusal(api.ask("PUT", "/domains/example.org", b"[1]"))[:2] == (422, "invalid_value")
    assert not Domain.objects.filter(name="example.org").exists()


def test_the_audit_trail_names_the_key(api: Api) -> None:
    api.put("/domains/example.org")
    assert Act.objects.filter(actor="api:robot", subject="example.org").exists()
