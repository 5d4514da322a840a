"""/routes."""

from typing import get_args

from delivery.models import OutboundRoute, RouteTls
from mailhost.api.routes import Tls
from mailhost.audit.models import Act
from tests.api.asking import Api, read, refusal

SMART = {"smarthost": "smart.test", "port": 465, "tls": "implicit", "login": "us", "password": "geheim"}


def test_a_route_is_put_read_changed_and_deleted(api: Api) -> None:
    put = api.put("/routes/partner", **SMART, recipient_domains=["*.partner.test"])
    assert put.status_code == 201
    body = read(put)
    assert (body["smarthost"], body["has_password"]) == ("smart.test", True)
    assert "geheim" not in put.content.decode()
    assert read(api.get("/routes/partner")) == body
    assert [each["name"] for each in read(api.get("/routes"))["items"]] == ["partner"]
    changed = api.put("/routes/partner", sources=["192.0.2.1 out.example.test"])
    assert changed.status_code == 200
    assert read(changed) == body | {"sources": ["192.0.2.1 out.example.test"]}
    assert b"geheim" not in bytes(OutboundRoute.objects.get().password)
    assert api.delete("/routes/partner").status_code == 204
    assert refusal(api.get("/routes/partner")) == (404, "route_not_found", None)
    assert refusal(api.delete("/routes/partner")) == (404, "route_not_found", None)
    assert [each.verb for each in Act.objects.filter(subject="partner").order_by("pk")] == [
        "add route",
        "change route",
        "remove route",
    ]


def test_what_is_left_out_stays_and_what_is_empty_goes(api: Api) -> None:
    body = read(api.put("/routes/partner", **SMART, sending_domains=["a.test", "b.test"]))
    assert read(api.put("/routes/partner", sending_domains=["b.test"])) == body | {
        "sending_domains": ["b.test"]
    }
    emptied = read(api.put("/routes/partner", sending_domains=[], login=""))
    assert emptied == body | {"sending_domains": [], "login": "", "has_password": False}
    assert read(api.put("/routes/partner")) == emptied


def test_only_what_is_described_is_taken(api: Api) -> None:
    assert refusal(api.put("/routes/x", smart_host="smart.test"))[::2] == (422, "smart_host")
    assert refusal(api.put("/routes/x", tls="perhaps"))[0] == 422
    assert refusal(api.put("/routes/x", port="587"))[0] == 422
    assert set(get_args(Tls)) == set(RouteTls.values)


def test_what_a_route_cannot_be_is_told_with_the_field(api: Api) -> None:
    assert refusal(api.put("/routes/x", smarthost="no host")) == (422, "route_invalid", "smarthost")
    assert refusal(api.put("/routes/x", **SMART | {"tls": "none"})) == (422, "route_invalid", "tls")
    assert api.put("/routes/x", port=0).status_code == 422
    assert api.put("/routes/all").status_code == 201
    assert refusal(api.put("/routes/also", smarthost="smart.test")) == (
        422,
        "route_invalid",
        "recipient_domains",
    )
