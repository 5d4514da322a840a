"""A stranger writes to alice; she reads it everywhere and answers; the answer arrives at the stranger's server."""

import http.cookiejar
import re
import smtplib
import urllib.parse
import urllib.request

import pytest

from tests.journeys.clients import ALICE, BOB, fetch_by_imap, fetch_by_pop3, hand_in, letter, submit
from tests.journeys.conftest import World


def read_in_browser(world: World, login: str, subject: str) -> str:
    """Signs in with forms and follows the link to the letter, as a browser without scripts does; the page with it."""
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    home = f"http://127.0.0.1:{world.host.ports['web']}/"
    with browser.open(home, timeout=30) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
        address = page.geturl()
    assert token is not None
    form = {
        "csrfmiddlewaretoken": token[1],
        "username": login,
        "password": world.host.password(login),
        "next": "/",
    }
    with browser.open(address, urllib.parse.urlencode(form).encode(), timeout=30) as page:
        listed = page.read().decode()
    rows = re.findall(r'<a [^>]*href="(/mail/[^"]+)"[^>]*>(.*?)</a>', listed, re.DOTALL)
    [link] = [link for link, text in rows if subject in text]
    with browser.open(urllib.parse.urljoin(home, link), timeout=30) as page:
        return str(page.read().decode())


def test_a_letter_comes_in_and_its_answer_goes_out(world: World) -> None:
    question = letter(sender="carol@far.test", to=ALICE, subject="A question")
    hand_in(world, question, to=ALICE)

    by_imap = fetch_by_imap(world, ALICE, "A question")
    assert by_imap.startswith(b"Return-Path: <carol@far.test>\r\nReceived: from ")
    assert by_imap.endswith(b"Hello\r\n")
    assert fetch_by_pop3(world, ALICE, "A question") == by_imap
    assert "Hello" in read_in_browser(world, ALICE, "A question")

    answer = letter(sender=ALICE, to="carol@far.test", subject="Re: A question", text="An answer\n")
    answer["In-Reply-To"] = question["Message-ID"]
    submit(world, answer, login=ALICE)
    [received] = [each for each in world.wait_for(1) if each.forward_paths == ["carol@far.test"]]
    assert received.reverse_path == ALICE
    assert b"\r\nSubject: Re: A question\r\n" in received.data
    assert b"\r\nDate: " in received.data
    assert b"\r\nAn answer\r\n" in received.data


def test_a_letter_to_a_neighbour_does_not_leave_the_house(world: World) -> None:
    submit(world, letter(sender=ALICE, to=BOB, subject="Next door"), login=ALICE)
    assert b"\r\nHello\r\n" in fetch_by_imap(world, BOB, "Next door")
    assert not [each for each in world.sink.received if BOB in each.forward_paths]


@pytest.mark.parametrize("recipient", ["nobody@nowhere.test", "carol@far.test"])
def test_strangers_are_not_relayed(world: World, recipient: str) -> None:
    message = letter(sender="mallory@far.test", to=recipient, subject="Spam")
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        hand_in(world, message, to=recipient)
    assert caught.value.recipients[recipient][0] == 550
    assert b"5.7.1" in caught.value.recipients[recipient][1]
