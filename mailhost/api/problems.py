"""What went wrong, in one shape: {"error": {"code": …, "message": …, "field": …}} (status codes: RFC 9110).

The verbs raise facts; the table here is where this door words them.
"""

from collections.abc import Callable
from math import ceil
from typing import Any, Final

import structlog
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from delivery.queue.orders import OrderOver
from delivery.queue.waiting import ReleaseTimeInvalid, TooLate
from delivery.routes.making import RouteInvalid, RouteNotFound
from delivery.submission.admission import TooMuchWaits
from delivery.submission.handing_in import NoRecipients, SenderRefused, TooManyRecipients
from delivery.submission.limits import SubmissionLimitReached
from delivery.submission.once import IdempotencyKeyReused
from delivery.submission.raw import RawInvalid
from delivery.submission.ways import RecipientsRefused
from delivery.suppression import RecipientsSuppressed
from delivery.suppression_lists import SuppressionInvalid, SuppressionNotFound, TooManySuppressions
from delivery.taking_back import WaitingNotFound
from domains import exceptions as domains
from mailboxes import exceptions as mailboxes
from mailboxes.sender_rules import SenderPatternInvalid, TooManySenderRules
from mailhost.api.keys import KeyOfAnAccount
from mailhost.api.schemas import Described
from mailhost.net.store_threads import StoreUnavailable

log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 10  # a restart of Postgres takes less


class ProblemBody(Described):
    """Why a request was refused."""

    code: str = Field(description="For programs: one of a fixed set of words.", examples=["domain_not_found"])
    message: str = Field(description="For people: a sentence.")
    field: str | None = Field(description="The field or parameter that is meant, where there is one.")


class Problem(Described):
    """The body of every answer from 400 on."""

    error: ProblemBody


class PasswordRequired(Exception):
    """An account that does not exist yet was PUT without a password."""

    def __init__(self, email: str) -> None:
        super().__init__(f"There is no account {email} yet, and a new account needs a password.")


class CursorInvalid(Exception):
    """A cursor that this API has not given out."""

    def __init__(self) -> None:
        super().__init__("The cursor is not one of this API's next_cursor values.")


class AddressRefused(domains.InvalidAddress):
    """A text in this field or parameter is no address."""

    def __init__(self, text: str, reason: object, *, field: str) -> None:
        super().__init__(f"{text!r} is not an address: {reason}")
        self.field = field


class TargetDomainNotFound(Exception):
    """A domain was to become an alias of one that is not hosted here; the text is a sentence."""


class SenderRuleNotFound(Exception):
    """The account has no rule of this pattern."""

    def __init__(self, pattern: str) -> None:
        super().__init__(f"There is no rule for {pattern}.")


class HeldNotFound(Exception):
    """The account has no held message of this id."""

    def __init__(self, held_id: int) -> None:
        super().__init__(f"No message {held_id} is held for this account.")


class VerdictNotFound(Exception):
    """The account has no verdict about this content."""

    def __init__(self, content_id: int) -> None:
        super().__init__(f"No verdict about content {content_id} is kept for this account.")


class StatusNotFound(Exception):
    """Nothing is known of a message that this account has sent with this Message-ID."""

    def __init__(self, message_id: str) -> None:
        super().__init__(f"Nothing is known of a message {message_id} of this account, or no longer.")


class MessageInvalid(Exception):
    """A message cannot be put together, or is said in two ways; the text is a sentence."""

    def __init__(self, reason: str, *, field: str | None) -> None:
        super().__init__(reason)
        self.field = field


class MessageNotFound(Exception):
    """Nothing that the key may see is known of such a message."""

    def __init__(self, which: str) -> None:
        super().__init__(f"Nothing is known of a message {which}, or no longer.")


class StateUnknown(Exception):
    """The trace has no such state."""

    def __init__(self, state: str) -> None:
        super().__init__(f"There is no state {state}.")


class LoginRequired(Exception):
    """A key that is no account's has not said whose message it asks for."""

    def __init__(self) -> None:
        super().__init__("Name the account that has sent it.")


class FilterEmpty(Exception):
    """A verb over the queue without a filter, and without saying that everything is meant."""

    def __init__(self) -> None:
        super().__init__("The filter asks for nothing: say `everything` where everything is meant.")


class OrderInvalid(Exception):
    """A verb over the queue without what it needs, or with what it does not."""

    def __init__(self, reason: object, *, field: str) -> None:
        super().__init__(f"The order cannot be followed: {reason}.")
        self.field = field


class OrderNotFound(Exception):
    """No order over the queue that the key may see has this id."""

    def __init__(self, order_id: int) -> None:
        super().__init__(f"There is no order {order_id}, or no longer.")


class TooManyOrders(Exception):
    """More orders of one key than a worker should have under way at once."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} orders of this key are under way: wait for one to end, or stop one.")


# fact: status, code, field
FACTS: Final[dict[type[Exception], tuple[int, str, str | None]]] = {
    KeyOfAnAccount: (403, "operators_only", None),
    RouteNotFound: (404, "route_not_found", None),
    RouteInvalid: (422, "route_invalid", None),
    domains.DomainNotFound: (404, "domain_not_found", None),
    mailboxes.AccountNotFound: (404, "account_not_found", None),
    domains.AliasNotFound: (404, "alias_not_found", None),
    domains.DkimKeyNotFound: (404, "dkim_key_not_found", None),
    domains.DkimKeyInState: (409, "dkim_key_in_state", None),
    domains.DomainExists: (409, "domain_exists", None),
    domains.DomainNotEmpty: (409, "domain_not_empty", None),
    domains.AddressTaken: (409, "address_taken", None),
    mailboxes.LoginTaken: (409, "login_taken", None),
    domains.DomainAliasInvalid: (409, "domain_alias_invalid", None),
    domains.InvalidAddress: (422, "invalid_address", None),
    domains.TooManyTargets: (422, "too_many_targets", "targets"),
    mailboxes.PasswordRefused: (422, "password_refused", "password"),
    mailboxes.UndoSecondsInvalid: (422, "invalid_undo_seconds", "undo_seconds"),
    PasswordRequired: (422, "password_required", "password"),
    TargetDomainNotFound: (422, "domain_not_found", "alias_of"),
    domains.ScoreInvalid: (422, "invalid_threshold", None),
    SenderPatternInvalid: (422, "invalid_sender", "pattern"),
    TooManySenderRules: (409, "too_many_sender_rules", None),
    SenderRuleNotFound: (404, "sender_rule_not_found", None),
    HeldNotFound: (404, "held_message_not_found", None),
    VerdictNotFound: (404, "verdict_not_found", None),
    StatusNotFound: (404, "message_not_found", None),
    MessageNotFound: (404, "message_not_found", None),
    StateUnknown: (422, "invalid_state", "state"),
    LoginRequired: (422, "login_required", "login"),
    SuppressionNotFound: (404, "suppression_not_found", None),
    SuppressionInvalid: (422, "invalid_suppression", None),
    TooManySuppressions: (409, "too_many_suppressions", None),
    RecipientsSuppressed: (422, "recipients_suppressed", None),
    WaitingNotFound: (404, "message_not_found", None),
    TooLate: (409, "too_late", None),
    ReleaseTimeInvalid: (422, "invalid_release_time", "release_at"),
    mailboxes.NotAnAdministrator: (404, "administrator_not_found", None),
    mailboxes.TooManyAdministrators: (409, "too_many_administrators", None),
    mailboxes.MessageNotFound: (404, "message_not_found", None),
    mailboxes.QuotaExceeded: (409, "quota_exceeded", None),
    mailboxes.MessageTooLarge: (413, "message_too_large", None),
    mailboxes.DiskNearlyFull: (503, "disk_nearly_full", None),
    mailboxes.MailboxNotFound: (503, "try_again", None),
    NoRecipients: (422, "no_recipients", None),
    TooManyRecipients: (422, "too_many_recipients", None),
    RecipientsRefused: (422, "recipients_refused", None),
    SenderRefused: (403, "sender_refused", "from"),
    MessageInvalid: (422, "invalid_message", None),
    RawInvalid: (422, "invalid_message", "raw"),
    IdempotencyKeyReused: (422, "idempotency_key_reused", None),
    TooMuchWaits: (409, "too_much_waits", "release_at"),
    SubmissionLimitReached: (429, "sending_limit_reached", None),
    FilterEmpty: (422, "filter_empty", "filter"),
    OrderInvalid: (422, "invalid_order", None),
    OrderNotFound: (404, "order_not_found", None),
    OrderOver: (409, "order_over", None),
    TooManyOrders: (409, "too_many_orders", None),
    CursorInvalid: (422, "invalid_cursor", "cursor"),
}


def problem(status: int, code: str, message: str, field: str | None = None) -> HttpResponse:
    """The answer of this status."""
    return JsonResponse({"error": {"code": code, "message": message, "field": field}}, status=status)


def explain_to(api: NinjaAPI) -> None:
    """Every exception that may come out of a view gets its answer."""
    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Exception: _defect,
        HttpError: _http_error,
        ValidationError: _invalid,
        AuthenticationError: _no_key,
        OperationalError: _database_away,
        InterfaceError: _database_away,
        StoreUnavailable: _database_away,
        SuspiciousOperation: _suspicious,
        RequestDataTooBig: body_too_large,
        **dict.fromkeys(FACTS, _fact),
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def unknown_path(request: HttpRequest) -> HttpResponse:
    """404 for every path below /api/ that leads nowhere."""
    return problem(404, "path_not_found", "There is nothing at this path.")


def wrong_method(request: HttpRequest, allowed: str) -> HttpResponse:
    """405. RFC 9110 section 15.5.6 wants the methods that are allowed named."""
    response = problem(405, "method_not_allowed", f"This path takes {allowed}.")
    response["Allow"] = allowed
    return response


def body_too_large(request: HttpRequest, error: Exception | None = None) -> HttpResponse:
    """413: bodies here are small."""
    return problem(413, "body_too_large", "The body of the request is larger than this API takes.")


def _fact(request: HttpRequest, error: Exception) -> HttpResponse:
    status, code, field = next(FACTS[kind] for kind in type(error).__mro__ if kind in FACTS)
    response = problem(status, code, str(error), getattr(error, "field", field))
    if isinstance(error, SubmissionLimitReached):
        seconds = (error.counted.ends_at - timezone.now()).total_seconds()
        response["Retry-After"] = str(max(1, ceil(seconds)))
    elif status == 503:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _no_key(request: HttpRequest, error: Exception) -> HttpResponse:
    """401, with the challenge of RFC 6750 section 3."""
    if request.headers.get("Authorization"):
        response = problem(401, "api_key_invalid", "The API key is unknown or has expired.")
        response["WWW-Authenticate"] = 'Bearer realm="mailhost", error="invalid_token"'
    else:
        response = problem(401, "api_key_missing", "Send an API key: `Authorization: Bearer KEY`.")
        response["WWW-Authenticate"] = 'Bearer realm="mailhost"'
    return response


def _http_error(request: HttpRequest, error: Exception) -> HttpResponse:
    """What django-ninja refuses by itself: a body that cannot be read."""
    status = error.status_code if isinstance(error, HttpError) else 400
    if status == 400:
        return problem(400, "invalid_json", "The body is not JSON.")
    return problem(status, "refused", str(error))


def _invalid(request: HttpRequest, error: Exception) -> HttpResponse:
    """422 for the first thing that the schemas refuse. `loc` is (source, argument, field, index, …)."""
    assert isinstance(error, ValidationError)
    first = error.errors[0]
    source, *place = (str(step) for step in first["loc"])
    if source == "body":
        place = place[1:]  # the argument's name
    return problem(422, "invalid_value", f"{first['msg']}.", ".".join(place) or None)


def _suspicious(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem(400, "bad_request", "The request cannot be read.")


def _database_away(request: HttpRequest, error: Exception) -> HttpResponse:
    log.warning("database away", door="api", error=str(error).strip().partition("\n")[0])
    response = problem(503, "database_away", "The database does not answer. Try again shortly.")
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def _defect(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("request failed", door="api", method=request.method, path=request.path, exc_info=error)
    return problem(500, "internal_error", "Something went wrong here. It has been logged.")
