"""Several workers that send TLS reports at once."""

import threading
from uuid import uuid4

from django.db import connection
from pytest_django import Settings

from delivery.feedback.tls.sending import send_due
from delivery.models import QueuedMessage, TlsFeedback
from tests.support.dns_server import DnsServer
from tests.support.tls_reporting import NEXT_NOON, Poster, count, with_keys
from tests.support.tls_sessions import session

HTTPS = "https://reports.far.test/tls"


def test_two_workers_at_once_send_one_report(shared_db: None, settings: Settings, dns: DnsServer) -> None:
    settings.TLS_REPORTS, settings.RELAY = True, "direct"
    own, far = f"d{uuid4().hex[:8]}.test", f"f{uuid4().hex[:8]}.test"
    with_keys(own)
    settings.TLS_REPORTS_CONTACT = f"tls@{own}"
    dns.say(f"_smtp._tls.{far}", "TXT", f'"v=TLSRPTv1; rua={HTTPS},mailto:tls@{far}"')
    count(session(far))
    poster = Poster(dns)
    start = threading.Barrier(4)
    sent: list[int] = []

    def work() -> None:
        start.wait()
        sent.append(send_due(now=NEXT_NOON, resolver=dns.resolver(), poster=poster))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == [0, 0, 0, 1]
    assert QueuedMessage.objects.filter(reverse_path=f"tls@{own}").count() == 1
    assert len(poster.posted) == 1
    TlsFeedback.objects.filter(domain=far).delete()
