"""The OpenAPI document: what programs read instead of a manual."""

from typing import Any

import pytest

from tests.api.asking import Api, read

OPERATIONS = {
    "/api/v1/domains": {"get"},
    "/api/v1/domains/{domain}": {"get", "put", "delete"},
    "/api/v1/domains/{domain}/accounts": {"get"},
    "/api/v1/domains/{domain}/accounts/{local_part}": {"get", "put", "delete"},
    "/api/v1/domains/{domain}/aliases": {"get"},
    "/api/v1/domains/{domain}/aliases/{local_part}": {"get", "put", "delete"},
    "/api/v1/domains/{domain}/administrators": {"get"},
    "/api/v1/domains/{domain}/administrators/{login}": {"put", "delete"},
    "/api/v1/domains/{domain}/dkim-keys": {"get"},
    "/api/v1/domains/{domain}/dkim-keys/rotate": {"post"},
    "/api/v1/trace": {"get"},
    "/api/v1/trace/inbound": {"get"},
    "/api/v1/trace/message": {"get"},
    "/api/v1/delivery-status": {"get"},
    "/api/v1/delivery-problems": {"get"},
    "/api/v1/domains/{domain}/suppression-learning": {"get", "put"},
    "/api/v1/suppressions": {"get"},
    "/api/v1/suppressions/{suppression_id}": {"delete"},
    "/api/v1/suppressions/{address}": {"put"},
    "/api/v1/messages": {"post"},
    "/api/v1/waiting": {"get"},
    "/api/v1/waiting/{waiting_id}": {"put", "delete"},
    "/api/v1/waiting/{waiting_id}/send-now": {"post"},
    "/api/v1/routes": {"get"},
    "/api/v1/routes/{name}": {"get", "put", "delete"},
    "/api/v1/queue": {"get"},
    "/api/v1/queue/{verb}": {"post"},
    "/api/v1/queue-orders": {"get", "post"},
    "/api/v1/queue-orders/{order_id}": {"get"},
    "/api/v1/queue-orders/{order_id}/stop": {"post"},
    "/api/v1/domains/{domain}/filters/{local_part}/sender-rules": {"get"},
    "/api/v1/domains/{domain}/filters/{local_part}/sender-rules/{pattern}": {"get", "put", "delete"},
    "/api/v1/domains/{domain}/filters/{local_part}/lessons/{content_id}": {"put"},
    "/api/v1/domains/{domain}/filters/{local_part}/quarantine": {"get"},
    "/api/v1/domains/{domain}/filters/{local_part}/quarantine/{held_id}": {"delete"},
    "/api/v1/domains/{domain}/filters/{local_part}/quarantine/{held_id}/release": {"post"},
    "/api/v1/domains/{domain}/filters/{local_part}/verdicts": {"get"},
    "/api/v1/domains/{domain}/filters/{local_part}/verdicts/{content_id}": {"get"},
}


@pytest.fixture
def document() -> dict[str, Any]:
    """Open to everybody: there is nothing in it that is not in the code."""
    return read(Api("").get("/openapi.json"))


def test_it_names_every_operation(document: dict[str, Any]) -> None:
    assert {path: set(operations) for path, operations in document["paths"].items()} == OPERATIONS


def test_each_operation_says_what_it_does_and_how_it_refuses(document: dict[str, Any]) -> None:
    for operations in document["paths"].values():
        for method, operation in operations.items():
            assert operation["summary"]
            assert operation["description"]
            assert operation["security"]
            refusals = {"401", "403", "404", "422", "503"} | ({"400", "409"} if method == "put" else set())
            assert refusals <= set(operation["responses"])
            for status in refusals:
                schema = operation["responses"][status]["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}
            for parameter in operation["parameters"]:
                assert parameter["description"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            return ([node["$ref"]] if "$ref" in node else []) + [
                ref for value in node.values() for ref in references(value)
            ]
        if isinstance(node, list):
            return [ref for value in node for ref in references(value)]
        return []

    schemas = document["components"]["schemas"]
    assert {reference.rpartition("/")[2] for reference in references(document)} <= set(schemas)
    assert all(schema.get("description") for schema in schemas.values())


def test_a_password_is_only_ever_written(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["AccountChange"]["properties"]["password"]["writeOnly"] is True
    assert "password" not in schemas["AccountBody"]["properties"]
    assert schemas["RouteChange"]["properties"]["password"]["writeOnly"] is True
    assert "password" not in schemas["RouteBody"]["properties"]


def test_a_route_is_described_field_by_field(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in ("RouteBody", "RouteChange"):
        described = schemas[name]["properties"]
        assert [
            field for field in described if field != "name" and not described[field].get("description")
        ] == []
    assert schemas["RouteChange"]["additionalProperties"] is False
