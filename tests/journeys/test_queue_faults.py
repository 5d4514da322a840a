"""The queue under load, while processes are killed at random moments and the network is cut.

At the end each message that got its 250 was delivered, once (or twice, where a server had taken it and the word of it
was lost: RFC 5321 section 4.2.5 leaves no other way), or was answered with a DSN; and nothing stays claimed.
"""

import random
import smtplib
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from tests.journeys.clients import ALICE, imap, letter, submit
from tests.journeys.conftest import World, a_world
from tests.support.network import can_be_made, network

CLIENTS, PER_CLIENT = 6, 25
KILLED = ("worker", "beat", "valkey", "postgres")
GHOSTLY = 5
EVERY = 15  # messages between two deaths
# Of what one death can send twice: what connections of a look have under way, and what waits to be written back.
TWICE_PER_DEATH = 40
SETTLED_SECONDS = 240
GIVE_UP_SECONDS = 120
LIMITS = {
    f"MAILHOST_{whose}_{what}_PER_HOUR": "100000"
    for whose in ("ACCOUNT", "DOMAIN")
    for what in ("MESSAGES", "RECIPIENTS", "FIRST_RECIPIENTS")
}

OPEN = """
from django.db.models import Q
from delivery.models import Destination, QueuedRecipient
print(QueuedRecipient.objects.filter(Q(state__in=("queued", "deferred")) | ~Q(report_due="")).count(),
      Destination.objects.filter(claim_token__isnull=False).count())
"""


class Load:
    """Clients that submit at once; `accepted` are the subjects that got their 250."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.accepted: list[str] = []
        self.progress = threading.Condition()

    def run(self, client: int) -> None:
        """Every fifth is for somebody whom the other server does not know. What was not accepted is tried again, under
        another subject: nobody knows whether it was."""
        for number in range(PER_CLIENT):
            deadline = time.monotonic() + GIVE_UP_SECONDS
            for tried in count():
                subject = f"{self.name} {client}-{tried}-{number}."
                to = "ghost@far.test" if number % GHOSTLY == 0 else "dave@far.test"
                try:
                    submit(self.world, letter(sender=ALICE, to=to, subject=subject), login=ALICE)
                    break
                except (OSError, smtplib.SMTPException):
                    assert time.monotonic() < deadline, "nothing is accepted any more"
                    self.world.host.wait_for_port("submission", seconds=60)
            with self.progress:
                self.accepted.append(subject)
                self.progress.notify_all()

    def wait_for(self, wanted: int) -> bool:
        """Until so many were accepted; False where that does not come."""
        with self.progress:
            return self.progress.wait_for(lambda: len(self.accepted) >= wanted, timeout=GIVE_UP_SECONDS)

    @property
    def ghostly(self) -> set[str]:
        """Accepted, and for the one that is not known."""
        return {each for each in self.accepted if int(each.rstrip(".").rpartition("-")[2]) % GHOSTLY == 0}


def subjects_at(world: World, name: str) -> Counter[str]:
    """What the other server has taken, and how often."""
    found: Counter[str] = Counter()
    for each in list(world.sink.received):
        header = each.data.partition(b"\r\n\r\n")[0].decode()
        found += Counter(
            line.removeprefix("Subject: ")
            for line in header.split("\r\n")
            if line.startswith(f"Subject: {name} ")
        )
    return found


def notices(world: World, name: str) -> Counter[str]:
    """Subjects that the sender was told of in DSNs."""
    found: Counter[str] = Counter()
    client = imap(world, ALICE)
    client.select()
    _, [numbers] = client.search(None, "HEADER", "Auto-Submitted", "auto-replied", "TEXT", f'"{name} "')
    for number in numbers.split():
        _, told = client.fetch(number.decode(), "(BODY.PEEK[TEXT])")
        assert isinstance(told[0], tuple)
        text = told[0][1].decode()
        found[text.partition(f"{name} ")[2].partition(".")[0]] += 1
    client.logout()
    return Counter({f"{name} {key}.": count for key, count in found.items()})


def wait_until_settled(world: World) -> None:
    """Until nothing waits and nothing is claimed."""
    deadline = time.monotonic() + SETTLED_SECONDS
    while (told := world.host.manage("shell", "--no-imports", "-c", OPEN).split()[-2:]) != ["0", "0"]:
        assert time.monotonic() < deadline, f"{told[0]} recipients wait, {told[1]} destinations are claimed"


def test_every_message_is_delivered_or_answered_whatever_is_killed() -> None:
    names = [*KILLED, *KILLED, *KILLED]
    random.Random(20_260_719).shuffle(names)
    # One address comes back again and again here: the door would refuse it before long.
    with a_world(MAILHOST_QUEUE_LEASE="15", MAILHOST_SUPPRESS_AFTER="0", **LIMITS) as world:
        world.sink.say("RCPT ghost@", "550 5.1.1 no ghosts here")
        load = Load(world, "deaths")
        deaths: list[str] = []
        with ThreadPoolExecutor(CLIENTS) as clients:
            running = [clients.submit(load.run, client) for client in range(CLIENTS)]
            for number in range(1, CLIENTS * PER_CLIENT // EVERY):
                assert load.wait_for(number * EVERY)
                name = names.pop()
                if world.host.pids(name):  # one that is just being started anew is gone already
                    world.host.kill(name)
                    deaths.append(name)
            for each in running:
                each.result()
        world.host.wait_for_port("imaps", seconds=60)
        wait_until_settled(world)
        delivered, told = subjects_at(world, "deaths"), notices(world, "deaths")
    assert set(deaths) == set(KILLED)
    wanted = set(load.accepted) - load.ghostly
    assert wanted <= set(delivered)
    assert load.ghostly <= set(told)
    assert set(told.values()) <= {1}  # a notice is accepted in the transaction that marks it as told
    fatal = sum(name in ("worker", "postgres") for name in deaths)
    assert delivered.total() - len(delivered) <= fatal * TWICE_PER_DEATH
    assert len(load.accepted) == CLIENTS * PER_CLIENT


@pytest.mark.skipif(not can_be_made(), reason="network namespaces need root and iproute2")
def test_a_cut_in_the_network_loses_nothing_and_sends_nothing_twice() -> None:
    with network() as net, a_world(net.listen(), MAILHOST_QUEUE_LEASE="15", **LIMITS) as world:
        load = Load(world, "cut")
        with ThreadPoolExecutor(CLIENTS) as clients:
            running = [clients.submit(load.run, client) for client in range(CLIENTS)]
            world.wait_for(5)
            net.cut()
            before = len(load.accepted)
            assert load.wait_for(min(before + 30, CLIENTS * PER_CLIENT))  # the door goes on meanwhile
            taken = len(world.sink.received)
            net.mend()
            for each in running:
                each.result()
        wait_until_settled(world)
        delivered = subjects_at(world, "cut")
    assert taken < len(load.accepted)
    assert set(delivered) == set(load.accepted)
    assert set(delivered.values()) == {1}
