"""Asks the API through Django's test client, middleware and all."""

import json
from typing import Any, cast

from django.http import HttpResponse
from django.test import Client

ROOT = "/api/v1"


class Api:
    """A program with this key; "" for none."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.client = Client(raise_request_exception=False)

    def beside(self) -> "Api":
        """Another connection with the same key: a test client belongs to one thread."""
        return Api(self.key)

    def ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> HttpResponse:
        """Any request, with any octets."""
        response = self.client.generic(
            method,
            path if path.startswith("/api/") else ROOT + path,
            content,
            content_type="application/json",
            headers={**self.headers, **headers},
        )
        return cast(HttpResponse, response)

    def get(self, path: str) -> HttpResponse:
        """GET."""
        return self.ask("GET", path)

    def put(self, path: str, **fields: object) -> HttpResponse:
        """PUT with these fields."""
        return self.ask("PUT", path, json.dumps(fields).encode())

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: object) -> HttpResponse:
        """POST with these fields; `from_` is `from`."""
        body = {name.rstrip("_"): value for name, value in fields.items()}
        return self.ask("POST", path, json.dumps(body).encode(), **(headers or {}))

    def delete(self, path: str) -> HttpResponse:
        """DELETE."""
        return self.ask("DELETE", path)


def read(response: HttpResponse) -> dict[str, Any]:
    """The JSON object of an answer."""
    body = json.loads(response.content)
    assert isinstance(body, dict)
    return body


def refusal(response: HttpResponse) -> tuple[int, str, str | None]:
    """Status, code and field of an answer that refuses; the one shape that all of them have."""
    body = read(response)
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "field"}
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"], body["error"]["field"]
