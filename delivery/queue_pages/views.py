"""The pages: what waits with its numbers, what a verb would do, and how far it has come. HTTP in, HTTP out."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from delivery.models import OrderState, QueueOrder
from delivery.queue import filtering, orders, verbs
from delivery.queue.filtering import QueueFilter
from delivery.queue.standing import Numbers, read_flow, read_numbers
from delivery.queue.survey import survey
from delivery.queue.verbs import Verb
from delivery.queue_pages.drawing import STEP, draw_ages, draw_flow, first_step
from delivery.queue_pages.forms import FilterForm, OrderForm, PickForm
from delivery.queue_pages.frame import Frame
from delivery.queue_pages.words import DOES, DONE, HEADINGS, told

SHOWN: Final = 50
SHOWN_ORDERS: Final = 5
RECENT: Final = timedelta(hours=24)
STALE: Final = timedelta(seconds=30)
QUICK_SECONDS: Final = 0.1  # a survey that a page may wait for
SALT: Final = "an order over the queue"
GOOD_FOR: Final = timedelta(hours=1)


def show_queue(request: HttpRequest, frame: Frame) -> HttpResponse:
    """The latest of what the filter finds, with the numbers of all; `?before=` an id goes on below it."""
    now = timezone.now()
    form = FilterForm(request.GET)
    is_valid = form.is_valid()
    asked = form.asked(sent_from=frame.sent_from, now=now) if is_valid else QueueFilter(ids=(0,))
    before = request.GET.get("before", "")
    older_than = int(before) if before.isascii() and before.isdigit() and len(before) <= 18 else None
    found = filtering.look(asked, limit=SHOWN + 1, older_than=older_than)
    rows = found.rows[:SHOWN]
    query = request.GET.copy()
    query.pop("before", None)
    return frame.page(
        request,
        "queue/list.html",
        status=200 if is_valid else 422,
        form=form,
        is_filtered=any(form.cleaned_data.values()) if is_valid else True,
        rows=rows,
        total=None if older_than else found.total,
        query=query.urlencode(),
        next_before=rows[-1].pk if len(found.rows) > SHOWN else None,
        is_first=older_than is None,
        is_capturing=settings.RELAY == "capture",
        verbs=[(verb, HEADINGS[verb], DOES[verb]) for verb in frame.verbs],
        orders=list(_orders(frame).filter(ordered_at__gte=now - RECENT)[:SHOWN_ORDERS]),
        **_numbers(frame, now=now),
    )


def show_numbers(request: HttpRequest, frame: Frame) -> HttpResponse:
    """The part of the page that is asked for again and again."""
    return frame.page(request, "queue/numbers.html", **_numbers(frame, now=timezone.now()))


def show_preview(request: HttpRequest, frame: Frame) -> HttpResponse:
    """What the verb would be done to; nothing is done. POST gives the order that was seen."""
    if request.method == "POST":
        return _place(request, frame)
    now = timezone.now()
    pick, form = PickForm(request.GET, verbs=frame.verbs), FilterForm(request.GET)
    if not (pick.is_valid() and form.is_valid()):
        raise Http404("There is no such verb, or no such filter.")
    verb = Verb(pick.cleaned_data["verb"])
    asked = pick.picked(form.asked(sent_from=frame.sent_from, now=now))
    return _preview(request, frame, verb=verb, asked=asked)


def show_order(request: HttpRequest, frame: Frame, order_id: int) -> HttpResponse:
    """How far it has come; the part that changes alone, where the page's script asks."""
    row = _order(frame, order_id)
    body = "queue/progress.html" if request.headers.get("HX-Request") else "queue/order.html"
    return frame.page(request, body, **_progress(frame, row))


def stop_order(request: HttpRequest, frame: Frame, order_id: int) -> HttpResponse:
    """POST: what is not done yet stays as it is."""
    with suppress(orders.OrderOver):  # the page says how it ended
        orders.stop(_order(frame, order_id).pk, now=timezone.now())
    return redirect(frame.url("order", order_id))


def _place(request: HttpRequest, frame: Frame) -> HttpResponse:
    now = timezone.now()
    try:
        sealed = signing.loads(request.POST.get("order", ""), salt=SALT, max_age=GOOD_FOR)
    except signing.BadSignature:
        return redirect(frame.url())  # it was seen too long ago
    verb, asked = Verb(sealed["verb"]), QueueFilter.of(sealed["asked"] | _scope(frame))
    if verb not in frame.verbs:
        raise Http404("There is no such verb.")
    form = OrderForm(request.POST, verb=verb, holder=frame.holder, is_everything=asked.is_everything)
    if not form.is_valid():
        return _preview(request, frame, verb=verb, asked=asked, form=form)
    order = form.order(now=now)
    row = orders.place(order=order, asked=asked, by=frame.by, now=now)
    return redirect(frame.url("order", row.pk))


def _preview(
    request: HttpRequest, frame: Frame, *, verb: Verb, asked: QueueFilter, form: OrderForm | None = None
) -> HttpResponse:
    try:
        seen = filtering.preview(verbs.meant_by(verb, asked, holder=frame.holder))
    except ValueError:
        seen = None
    return frame.page(
        request,
        "queue/preview.html",
        status=422 if form else 200,
        verb=verb,
        heading=HEADINGS[verb],
        does=DOES[verb],
        seen=seen,
        form=form or OrderForm(verb=verb, holder=frame.holder, is_everything=asked.is_everything),
        asked=told(asked),
        sealed=signing.dumps({"verb": verb, "asked": asked.told()}, salt=SALT),
        query=request.GET.urlencode() if request.method == "GET" else "",
    )


def _scope(frame: Frame) -> dict[str, Any]:
    """Said anew each time, whatever was sealed."""
    return {"sent_from": frame.sent_from}


def _numbers(frame: Frame, *, now: datetime) -> dict[str, Any]:
    numbers = read_numbers(sent_from=frame.sent_from, now=now)
    if _may_count(numbers, now=now) and survey(now=now):
        numbers = read_numbers(sent_from=frame.sent_from, now=now)
    since = first_step(now)
    flows = read_flow(sent_from=frame.sent_from, since=since, step=STEP)
    return {
        "numbers": numbers,
        "is_stale": numbers.at is not None and now - numbers.at > max(STALE, numbers.every * 3),
        "flow": draw_flow(flows, since=since),
        "has_flow": bool(flows),
        "ages": draw_ages(numbers.ages),
    }


def _may_count(numbers: Numbers, *, now: datetime) -> bool:
    """Where no worker has counted lately, a small queue is counted here."""
    if numbers.at is None:
        return not filtering.count(QueueFilter()).is_more
    return now - numbers.at > STALE and numbers.seconds < QUICK_SECONDS


def _orders(frame: Frame) -> Any:
    return orders.orders_of(by=None if frame.sent_from is None else frame.by)


def _order(frame: Frame, order_id: int) -> QueueOrder:
    row: QueueOrder | None = _orders(frame).filter(pk=order_id).first() if order_id < 1 << 62 else None
    if row is None:
        raise Http404("There is no such order.")
    return row


def _progress(frame: Frame, row: QueueOrder) -> dict[str, Any]:
    verb = Verb(row.verb)
    return {
        "order": row,
        "heading": HEADINGS[verb],
        "done": DONE[verb],
        "percent": round(100 * orders.share_done(row)),
        "is_running": row.state == OrderState.RUNNING,
        "asked": told(QueueFilter.of(row.asked)),
        "stop": frame.url("stop", row.pk),
        "here": frame.url("order", row.pk),
    }
