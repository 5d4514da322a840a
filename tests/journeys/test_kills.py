"""Processes are killed while mail is under way: everything that was accepted arrives."""

import imaplib
import smtplib
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.clients import ALICE, BOB, fetch_by_imap, fetch_by_pop3, hand_in, imap, letter, submit
from tests.journeys.conftest import World

LETTERS = 12
CLIENTS, PER_CLIENT = 8, 25


def accepted_subjects(world: World, subjects: list[str], *, kill: str) -> list[str]:
    """Submits to far.test, killing the process half-way; what was answered with 250."""
    accepted = []
    for number, subject in enumerate(subjects):
        if number == len(subjects) // 2:
            world.host.kill(kill)
        world.host.wait_for_port("submission")
        try:
            submit(world, letter(sender=ALICE, to="dave@far.test", subject=subject), login=ALICE)
        except (OSError, smtplib.SMTPException):
            continue
        accepted.append(subject)
    return accepted


@pytest.mark.parametrize("program", ["worker", "valkey", "smtp", "beat"])
def test_what_was_accepted_leaves_though_a_process_is_killed(world: World, program: str) -> None:
    subjects = [f"{program} {number}" for number in range(LETTERS)]
    before = len(world.sink.received)
    accepted = accepted_subjects(world, subjects, kill=program)
    assert len(accepted) >= LETTERS - 2  # at most what was in the killed process's hands
    received = world.wait_for(before + len(accepted), seconds=180)[before:]
    found = [
        subject
        for each in received
        for subject in subjects
        if f"Subject: {subject}\r\n".encode() in each.data
    ]
    assert set(found) >= set(accepted)
    # Twice at worst, and only what was between the other server's 250 and our commit.
    assert len(found) <= len(subjects) + (1 if program == "worker" else 0)


def test_what_was_accepted_is_in_the_mailbox_though_postgres_is_killed(world: World) -> None:
    subjects = [f"postgres {number}." for number in range(LETTERS)]
    accepted = []
    for number, subject in enumerate(subjects):
        if number == LETTERS // 2:
            world.host.kill("postgres")
        try:
            hand_in(world, letter(sender="carol@far.test", to=BOB, subject=subject), to=BOB)
        except (OSError, smtplib.SMTPException):
            continue
        accepted.append(subject)
    client = inbox_once_it_is_back(world, BOB)
    found = [subject for subject in subjects if client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()]
    client.logout()
    assert set(found) >= set(accepted)
    assert len(accepted) >= LETTERS // 2
    assert b"postgres" in fetch_by_pop3(world, BOB, accepted[-1])
    with urllib.request.urlopen(f"http://127.0.0.1:{world.host.ports['web']}/health/", timeout=30) as page:
        assert page.status == 200


def inbox_once_it_is_back(world: World, login: str) -> imaplib.IMAP4:
    """With INBOX selected. Tries until Postgres answers again, to each thread that asks."""
    deadline = time.monotonic() + 60
    while True:
        try:
            client = imap(world, login)
            if client.select()[0] == "OK":
                return client
            client.logout()
        except (OSError, imaplib.IMAP4.error):
            if time.monotonic() > deadline:
                raise


@pytest.mark.parametrize("programs", [("worker", "valkey", "beat"), ("postgres", "smtp")], ids=" and ".join)
def test_what_waits_for_its_time_is_kept_and_leaves_then(world: World, programs: tuple[str, ...]) -> None:
    """Held for some seconds by HOLDFOR, killed meanwhile: to a mailbox here and to elsewhere, once each."""
    subject = f"held over the death of {programs[0]}"
    before = len(world.sink.received)
    world.host.wait_for_port("submission")
    began = time.monotonic()
    message = letter(sender=ALICE, to=f"{BOB}, dave@far.test", subject=subject)
    with smtplib.SMTP("localhost", world.host.ports["submission"], timeout=30) as client:
        client.starttls(context=world.tls())
        client.login(ALICE, world.host.password(ALICE))
        client.send_message(message, mail_options=["HOLDFOR=8"])
    for program in programs:
        if world.host.pids(program):  # one that is just being started anew is gone already
            world.host.kill(program)
    received = world.wait_for(before + 1, seconds=180)[before:]
    assert time.monotonic() - began >= 8  # however slow this machine is, never sooner
    assert [f"Subject: {subject}\r\n".encode() in each.data for each in received] == [True]
    inbox_once_it_is_back(world, BOB).logout()
    assert fetch_by_imap(world, BOB, subject).count(b"Subject: ") == 1


def test_mail_that_got_its_250_is_there_though_smtp_is_killed_under_load(world: World) -> None:
    """Eight clients at once, and every SMTP process killed by SIGKILL in the midst of it."""
    accepted: list[str] = []
    halfway = threading.Event()

    def bring(client: int) -> None:
        for number in range(PER_CLIENT):
            subject = f"load {client} {number}."
            try:
                hand_in(world, letter(sender="carol@far.test", to=BOB, subject=subject), to=BOB)
            except (OSError, smtplib.SMTPException):
                world.host.wait_for_port("smtp")
                continue
            accepted.append(subject)
            if len(accepted) >= CLIENTS * PER_CLIENT // 2:
                halfway.set()

    with ThreadPoolExecutor(CLIENTS) as clients:
        bringing = [clients.submit(bring, client) for client in range(CLIENTS)]
        assert halfway.wait(120)
        world.host.kill("smtp")
        for each in bringing:
            each.result()
    client = imap(world, BOB)
    client.select()
    _, [found] = client.search(None, "SUBJECT", '"load "')
    _, told = client.fetch(found.replace(b" ", b",").decode(), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    client.logout()
    subjects = [part[1].decode().partition(": ")[2].strip() for part in told if isinstance(part, tuple)]
    assert set(accepted) <= set(subjects)
    assert len(accepted) >= CLIENTS * PER_CLIENT - 2 * CLIENTS  # what was under way, and one more try each
    assert len(subjects) == len(set(subjects))
