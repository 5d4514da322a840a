"""A host that sends TLS reports: keys to sign with, sessions that count, https places that answer what a test says."""

from datetime import UTC, datetime

from delivery.feedback.tallying import Tally
from delivery.feedback.tls.counting import count_sessions, seen
from delivery.feedback.tls.posting import Posted, ReportPoster
from delivery.relay.tls.sessions import TlsSession
from domains.dkim_keys import activate_key, make_keys
from domains.registration import add_domain
from mailhost.protocols.tls_report_record import HttpsPlace
from tests.support.dns_server import DnsServer

EVENING = datetime(2026, 11, 25, 21, tzinfo=UTC)
NEXT_NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def with_keys(name: str) -> None:
    """Hosts the domain, with keys that sign."""
    for key in make_keys(domain=add_domain(name=name, by="test"), now=EVENING, by="test"):
        activate_key(key=key, now=EVENING, by="test")


def count(*sessions: TlsSession, at: datetime = EVENING) -> None:
    tally = Tally[None, TlsSession]()
    for each in sessions:
        tally.add(seen(each, now=at))
    count_sessions(tally.take())


class Poster(ReportPoster):
    """Notes what is POSTed, and answers what the test says; the last one from then on."""

    def __init__(self, dns: DnsServer, *answers: Posted) -> None:
        super().__init__(dns.resolver())
        self.answers = list(answers) or [Posted(is_taken=True)]
        self.posted: list[tuple[str, bytes]] = []

    async def send(self, place: HttpsPlace, octets: bytes) -> Posted:
        self.posted.append((place.uri, octets))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
