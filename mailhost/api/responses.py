"""Which answers an operation may give, as OpenAPI tells them."""

from typing import Any

from mailhost.api.problems import Problem

READS: dict[int, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem, 503: Problem}
WRITES: dict[int, Any] = {400: Problem, **READS, 409: Problem, 413: Problem}


def reading(body: Any) -> dict[int, Any]:
    """GET."""
    return {200: body, **READS}


def putting(body: Any) -> dict[int, Any]:
    """PUT: made (201), or changed or found so already (200)."""
    return {200: body, 201: body, **WRITES}


def setting(body: Any) -> dict[int, Any]:
    """PUT of what is always there: changed, or found so already."""
    return {200: body, **WRITES}


ACTING: dict[int, Any] = {204: None, **READS, 409: Problem}
DELETING: dict[int, Any] = {204: None, **READS, 409: Problem}
