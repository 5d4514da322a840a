"""Routes: which is chosen, what they may be, and what waits when they change."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from delivery.delivery_test import route_of
from delivery.models import Destination, OutboundRoute, QueuedRecipient, RouteChange
from delivery.queue import claim as claims
from delivery.queue import route_rules
from delivery.queue.route_moves import due_here, move_waiting
from delivery.queue.route_rules import SETTINGS, Rules, pairs, rules
from delivery.relay.next_hops import Route
from delivery.routes.making import (
    RouteInvalid,
    RouteNotFound,
    RoutePlan,
    encrypt_anew,
    put_route,
    remove_route,
)
from delivery.routes.ways import way_out
from mailhost.audit.models import Act
from tests.support.queueing import NOON, claim_all, queue
from tests.support.racing import both

LATER = NOON + timedelta(minutes=2)


def route(name: str, *, route_id: int | None = None, **columns: Any) -> OutboundRoute:
    plan = RoutePlan(**{"name": name, "smarthost": "smart.test"} | columns)
    return put_route(plan=plan, route_id=route_id, by="op", now=NOON)


def waits_at(forward_path: str) -> tuple[str, int]:
    destination = QueuedRecipient.objects.get(forward_path=forward_path).destination
    return destination.name, destination.route_id


def test_the_recipients_domain_counts_before_the_senders_and_whole_names_before_what_is_above() -> None:
    chosen = Rules(
        {
            ("far.test", "a.test"): 1,
            ("far.test", ""): 2,
            ("*.far.test", ""): 3,
            ("*.test", "a.test"): 4,
            ("", "a.test"): 5,
            ("", "*.b.test"): 6,
            ("", ""): 7,
        }
    )
    asked = {
        ("far.test", "a.test"): 1,
        ("far.test", "z.org"): 2,
        ("mx.far.test", "a.test"): 3,
        ("near.test", "a.test"): 4,
        ("near.org", "a.test"): 5,
        ("near.org", "x.y.b.test"): 6,
        ("near.org", "b.test"): 7,
        ("near.org", ""): 7,
        ("[192.0.2.1]", "a.test"): 5,
    }
    assert {each: chosen.choose(*each) for each in asked} == asked


def test_without_a_rule_that_fits_mail_goes_as_the_settings_say() -> None:
    assert Rules().choose("far.test", "a.test") == SETTINGS
    assert Rules({("far.test", ""): 1}).choose("near.test", "far.test") == SETTINGS


@given(
    st.dictionaries(
        st.tuples(*[st.sampled_from(["", "a.test", "*.test", "*.a.test", "b.a.test"])] * 2),
        st.integers(1, 9),
    ),
    st.sampled_from(["a.test", "b.a.test", "c.b.a.test", "test"]),
    st.sampled_from(["", "a.test", "b.a.test", "org"]),
)
def test_what_is_chosen_always_fits(known: dict[tuple[str, str], int], recipient: str, sender: str) -> None:
    def fits(pattern: str, domain: str) -> bool:
        return pattern in ("", domain) or (pattern.startswith("*.") and domain.endswith(pattern[1:]))

    fitting = {each for pair, each in known.items() if fits(pair[0], recipient) and fits(pair[1], sender)}
    chosen = Rules(known).choose(recipient, sender)
    assert chosen in fitting if fitting else chosen == SETTINGS


def test_mail_is_queued_for_a_domain_and_a_route_without_asking_each_time() -> None:
    made = route("partner", recipient_domains=("partner.test",), sending_domains=("example.test",))
    rules()
    with connection.execute_wrapper(_no_routes_read):
        queue("bob@partner.test", "bob@far.test", reverse_path="a@example.test")
        queue("eve@partner.test", reverse_path="a@other.test")
    assert waits_at("bob@partner.test") == ("partner.test", made.pk)
    assert waits_at("bob@far.test") == ("far.test", SETTINGS)
    assert waits_at("eve@partner.test") == ("partner.test", SETTINGS)
    assert Destination.objects.count() == 3
    found = {
        (each.name, each.route_id)
        for each in claims.claim_destinations(limit=9, lease_seconds=9, now=NOON, is_failing=False)
    }
    assert found == {("partner.test", made.pk), ("partner.test", SETTINGS), ("far.test", SETTINGS)}


def _no_routes_read(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    assert "outboundroute" not in str(sql)
    return execute(sql, params, many, context)


def test_a_new_route_takes_over_what_waits() -> None:
    queue("bob@partner.test", "bob@far.test", reverse_path="a@example.test")
    Destination.objects.filter(name="partner.test").update(
        failures=4, next_attempt_at=NOON + timedelta(hours=3)
    )
    made = route("partner", recipient_domains=("partner.test",))
    assert move_waiting(now=NOON) == 1
    assert waits_at("bob@partner.test") == ("partner.test", made.pk)
    assert waits_at("bob@far.test") == ("far.test", SETTINGS)
    # Tried at once: what failed may succeed on this way. The other row rests.
    assert Destination.objects.get(name="partner.test", route_id=made.pk).next_attempt_at == NOON
    assert Destination.objects.get(name="partner.test", route_id=SETTINGS).next_attempt_at is None
    assert RouteChange.objects.exists()  # another process may queue by old rules for some seconds more
    assert move_waiting(now=LATER) == 0
    assert not RouteChange.objects.exists()


def test_changing_and_removing_a_route_moves_what_waits() -> None:
    made = route("partner", recipient_domains=("partner.test",))
    queue("bob@partner.test", "bob@near.test")
    assert waits_at("bob@partner.test")[1] == made.pk
    route("partner", route_id=made.pk, recipient_domains=("near.test",))
    assert move_waiting(now=LATER) == 2
    assert (waits_at("bob@partner.test")[1], waits_at("bob@near.test")[1]) == (SETTINGS, made.pk)
    remove_route(route_id=made.pk, by="op", now=LATER)
    assert move_waiting(now=LATER) == 1
    assert waits_at("bob@near.test") == ("near.test", SETTINGS)
    assert [each.verb for each in Act.objects.filter(subject="partner").order_by("id")][-3:] == [
        "add route",
        "change route",
        "remove route",
    ]


def test_what_a_worker_has_claimed_is_moved_by_himself_and_by_nobody_else() -> None:
    queue("bob@partner.test", reverse_path="a@example.test")
    queue("eve@partner.test", reverse_path="a@example.test", now=NOON + timedelta(hours=1))
    claim = claim_all()["partner.test"]
    made = route("partner", recipient_domains=("partner.test",))
    assert move_waiting(now=NOON) == 0
    assert due_here(claim=claim, limit=10, except_ids=[], now=NOON) == []
    assert waits_at("bob@partner.test")[1] == made.pk
    assert (
        waits_at("eve@partner.test")[1] == SETTINGS
    )  # not due: nobody has begun it, and the claim is not over
    claims.release_claim(claim=claim, was_reached=True, now=NOON)
    assert move_waiting(now=LATER) == 1
    assert move_waiting(now=LATER) == 0
    assert not RouteChange.objects.exists()


def test_who_lost_the_claim_moves_nothing() -> None:
    queue("bob@partner.test")
    claim = claim_all()["partner.test"]
    route("partner", recipient_domains=("partner.test",))
    Destination.objects.update(claim_token=None)
    assert due_here(claim=claim, limit=10, except_ids=[], now=NOON) == []
    assert waits_at("bob@partner.test")[1] == SETTINGS


def test_old_rules_in_another_process_are_made_good_by_the_look() -> None:
    made = route("partner", recipient_domains=("partner.test",))
    old, route_rules._kept.rules, route_rules._kept.until = route_rules._kept.rules, Rules(), float("inf")
    queue("bob@partner.test")
    assert waits_at("bob@partner.test")[1] == SETTINGS
    route_rules.forget()
    claim = claim_all()["partner.test"]
    assert due_here(claim=claim, limit=10, except_ids=[], now=NOON) == []
    assert waits_at("bob@partner.test")[1] == made.pk
    assert old is not None


def test_a_route_that_is_gone_keeps_its_mail_waiting() -> None:
    assert "gone" in way_out(4711, base=Route()).fault


def test_a_password_is_encrypted_kept_and_forgotten() -> None:
    made = route("smart", tls="required", login="us", password="geheim ü")
    assert b"geheim" not in bytes(made.password)
    credentials = way_out(made.pk, base=Route()).departure.credentials
    assert credentials is not None
    assert (credentials.login, credentials.password) == ("us", "geheim ü")
    assert "geheim" not in repr(way_out(made.pk, base=Route()))
    kept = bytes(route("smart", route_id=made.pk, tls="required", login="us").password)
    assert kept == bytes(made.password)
    assert bytes(route("smart", route_id=made.pk).password) == b""
    assert "geheim" not in str(list(Act.objects.filter(subject="smart").values_list("details", flat=True)))


def test_a_password_that_cannot_be_read_keeps_mail_waiting_and_says_so(settings: Any) -> None:
    made = route("smart", tls="required", login="us", password="geheim")
    settings.KEY_SECRET, settings.OLD_KEY_SECRETS = "another secret of more than enough length", ()
    assert "password of the route smart cannot be read" in way_out(made.pk, base=Route()).fault


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "taken"}, "name"),
        ({"port": 0}, "port"),
        ({"tls": "ssl"}, "tls"),
        ({"smarthost": "no host"}, "smarthost"),
        ({"smarthost": "ho_st\r\nDATA"}, "smarthost"),
        ({"login": "us", "tls": "required"}, "password"),
        ({"login": "us", "password": "x", "tls": "opportunistic"}, "tls"),
        ({"login": "us", "password": "x\r\n", "tls": "required"}, "password"),
        ({"login": "us", "password": "x", "tls": "required", "smarthost": ""}, "login"),
        ({"tls": "implicit", "smarthost": ""}, "tls"),
        ({"recipient_domains": ("not a domain",)}, "recipient_domains"),
        ({"recipient_domains": ("partner.test",)}, "recipient_domains"),
        ({"sources": ("mail.test",)}, "sources"),
        ({"sources": ("0.0.0.0",)}, "sources"),
        ({"sources": ("192.0.2.1 a b",)}, "sources"),
        ({"ehlo_name": "192.0.2.1"}, "ehlo_name"),
    ],
)
def test_what_a_route_cannot_be(columns: dict[str, Any], field: str) -> None:
    route("taken", recipient_domains=("other.test", "partner.test"))
    with pytest.raises(RouteInvalid) as refused:
        route(**{"name": "new", "recipient_domains": ("new.test",)} | columns)
    assert refused.value.field == field
    assert OutboundRoute.objects.count() == 1


def test_names_are_kept_as_they_are_compared() -> None:
    made = route(
        "mixed",
        smarthost="Smart.Test.",
        recipient_domains=("*.Müller.test", "b.test", "B.test"),
        sources=("2001:DB8::1 Mail.Example.Test",),
    )
    assert (made.smarthost, made.sources) == ("smart.test", ["2001:db8::1 mail.example.test"])
    assert made.recipient_domains == ["*.xn--mller-kva.test", "b.test"]


def test_what_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(RouteNotFound):
        route("x", route_id=4711)
    with pytest.raises(RouteNotFound):
        remove_route(route_id=4711, by="op", now=NOON)


def test_a_route_for_nothing_special_is_for_all() -> None:
    assert pairs((), ()) == [("", "")]


def test_passwords_follow_a_new_secret(settings: Any) -> None:
    made = route("smart", tls="required", login="us", password="geheim")
    old = settings.KEY_SECRET
    settings.KEY_SECRET, settings.OLD_KEY_SECRETS = "another secret of more than enough length", (old,)
    assert (encrypt_anew(), encrypt_anew()) == (1, 0)
    settings.OLD_KEY_SECRETS = ()
    credentials = way_out(made.pk, base=Route()).departure.credentials
    assert credentials is not None
    assert credentials.password == "geheim"


def test_the_delivery_test_goes_by_the_route_that_the_queue_would_choose() -> None:
    route("partner", recipient_domains=("partner.test",), sending_domains=("a.test",))
    assert route_of("bob@partner.test", "x@a.test").name == "partner"
    assert route_of("bob@partner.test", "x@b.test").name == ""


def test_a_look_that_moves_waits_for_nobody_who_adds_to_its_destination() -> None:
    queue("bob@partner.test")
    claim = claim_all()["partner.test"]
    made = route("partner", recipient_domains=("partner.test",))

    def add() -> None:
        with connection.cursor() as sql:
            sql.execute(
                "SELECT 1 FROM delivery_destination WHERE id = %s FOR KEY SHARE", [claim.destination_id]
            )

    def move() -> int:
        with connection.cursor() as sql:
            sql.execute("SET lock_timeout = 100")
        due_here(claim=claim, limit=10, except_ids=[], now=NOON)
        return waits_at("bob@partner.test")[1]

    assert both(add, move) == [None, made.pk]


def test_what_is_added_where_the_rest_was_moved_from_keeps_its_destination_awake() -> None:
    queue("bob@partner.test", reverse_path="x@news.test")
    made = route("news", sending_domains=("news.test",))
    added, moved = both(
        lambda: queue("eve@partner.test", reverse_path="x@b.test"), lambda: move_waiting(now=NOON)
    )
    assert (bool(added), moved) == (True, 1)
    assert (waits_at("bob@partner.test")[1], waits_at("eve@partner.test")[1]) == (made.pk, SETTINGS)
    assert Destination.objects.get(name="partner.test", route_id=SETTINGS).next_attempt_at == NOON
    assert set(claim_all()) == {"partner.test"}


def test_another_smarthost_is_not_told_the_password_of_the_one_before() -> None:
    made = route("smart", tls="required", login="us", password="geheim")
    with pytest.raises(RouteInvalid, match="Another smarthost") as refused:
        route("smart", route_id=made.pk, smarthost="evil.test", tls="required", login="us")
    assert refused.value.field == "password"
    made.refresh_from_db()
    assert made.smarthost != "evil.test"
    route("smart", route_id=made.pk, smarthost="new.test", tls="required", login="us", password="neu")
