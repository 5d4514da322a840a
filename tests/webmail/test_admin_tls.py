"""MTA-STS policies of other domains in the admin: to be read."""

from datetime import UTC, datetime

from django.test import Client

from delivery.relay.tls.mta_sts import KeptPolicy
from delivery.relay.tls.shelf import write_policy
from mailhost.protocols.mta_sts import Mode, StsPolicy

LIST = "/admin/delivery/keptstspolicy/"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_policies_that_are_kept_can_be_looked_at_and_not_changed(admin_pages: Client) -> None:
    write_policy("far.test", KeptPolicy(StsPolicy(Mode.ENFORCE, 86_400, ("mx.far.test",)), "a1", NOON))
    page = admin_pages.get(LIST).content.decode()
    assert "far.test" in page
    assert "enforce" in page
    page = admin_pages.get(f"{LIST}far.test/change/").content.decode()
    assert "mx: mx.far.test" in page
    assert admin_pages.get(f"{LIST}add/").status_code == 403
    assert admin_pages.post(f"{LIST}far.test/delete/", {"post": "yes"}).status_code == 403
