"""Causes, out of what servers say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailhost.protocols.bounce_causes import Cause, find_cause, listed_by, said_cause
from mailhost.protocols.cause_words import SUPPRESSED, WORDS, administrators_step, cause_words
from mailhost.protocols.dsn_words import meaning


@pytest.mark.parametrize(
    ("status", "reply", "cause"),
    [
        (
            "5.1.1",
            "550 5.1.1 The email account that you tried to reach does not exist. Please try",
            "no-such-user",
        ),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient x@y.test not found", "no-such-user"),
        (
            "5.1.1",
            "550 5.1.1 <x@y.test>: Recipient address rejected: User unknown in local table",
            "no-such-user",
        ),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable: no such user here", "no-such-user"),
        ("5.1.1", "550 5.1.1 x@y.test User not listed in Domino Directory", "no-such-user"),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled.", "disabled"),
        ("4.2.2", "452 4.2.2 The recipient's inbox is out of storage space.", "full"),
        ("5.2.2", "552 5.2.2 user@y.test mailbox full", "full"),
        ("5.0.0", "554 delivery error: dd This user is over quota", "full"),
        (
            "5.3.4",
            "552 5.3.4 Your message exceeded Google's message size limits. message too large",
            "too-large",
        ),
        ("5.3.4", "The message has 20 octets; the server takes 10.", "too-large"),
        (
            "5.7.1",
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            "listed",
        ),
        ("5.7.1", "550 5.7.1 Unfortunately, part of their network is on our block list (S3140).", "listed"),
        ("5.7.1", "550 5.7.1 due to the very low reputation of the sending domain", "listed"),
        ("5.7.511", "550 5.7.511 Access denied, banned sending IP [192.0.2.1]", "listed"),
        ("4.7.0", "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to", "rate"),
        ("4.7.28", "421 4.7.28 Our system has detected an unusual rate of unsolicited mail", "rate"),
        ("4.2.1", "450 4.2.1 The user you are trying to contact is receiving mail at a rate that", "rate"),
        ("4.7.1", "450 4.7.1 <x@y.test>: Recipient address rejected: Greylisted", "greylisted"),
        (
            "5.7.26",
            "550 5.7.26 Unauthenticated email from y.test is not accepted due to domain's DMARC",
            "authentication",
        ),
        ("5.7.26", "550 5.7.26 This mail is blocked because the sender is unknown", "authentication"),
        (
            "5.7.25",
            "550 5.7.25 The IP address sending this message does not have a PTR record",
            "no-reverse-name",
        ),
        ("5.1.8", "550 5.1.8 <a@y.test>: Sender address rejected: Domain not found", "sender"),
        ("5.7.0", "552 5.7.0 This message was blocked because its content presents a problem", "content"),
        ("5.7.1", "554 5.7.1 Message rejected as spam", "content"),
        ("5.7.1", "554 5.7.1 <x@y.test>: Relay access denied", "relaying"),
        ("5.7.1", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "relaying"),
        ("5.7.1", "550 5.7.1 Invalid credentials for relay [192.0.2.1].", "relaying"),
        ("5.0.0", "550 we do not relay", "relaying"),
        ("5.7.0", "530 5.7.0 Must issue a STARTTLS command first", "tls"),
        ("5.4.6", "554 5.4.6 Too many hops", "loop"),
        ("5.1.10", "The domain says that it takes no mail.", "takes-no-mail"),
        ("4.4.3", "The domain could not be looked up.", "dns"),
        ("4.4.1", "No server answered.", "no-connection"),
        ("5.4.7", "450 4.4.7 later", "time-over"),
        ("4.3.2", "421 4.3.2 shutting down", "trouble"),
        ("4.3.1", "452 4.3.1 Insufficient system storage", "trouble"),
        ("4.4.2", "421 4.4.2 mx.y.test Error: timeout exceeded", "no-connection"),
        ("4.5.0", "421 mx.y.test closing transmission channel", "trouble"),
        ("4.7.0", "421 4.7.0 come back later", "policy"),
        ("4.3.0", "The message could not be read here.", "other"),
        ("5.7.1", "550 5.7.1 go away", "policy"),
        ("5.0.0", "550 no", "other"),
    ],
)
def test_causes_are_told_apart(status: str, reply: str, cause: str) -> None:
    assert find_cause(status, reply).value == cause


def test_a_cause_in_words_is_said_in_the_notice_and_names_the_list() -> None:
    what, step = meaning("5.7.1", "554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org")
    assert "zen.spamhaus.org" in what
    assert "administrator" in step
    assert meaning("5.1.1") == meaning("5.1.1", "550 5.1.1 nobody")


def test_every_cause_has_words() -> None:
    assert set(WORDS) == set(Cause)


@pytest.mark.parametrize("cause", list(Cause))
def test_nobody_is_asked_to_try_again_what_is_tried_by_itself(cause: Cause) -> None:
    what, step = cause_words(cause, waits=True)
    assert what == WORDS[cause][0]
    for told in (step, administrators_step(cause, waits=True)):
        assert "try again" not in told.lower()
        assert "send it again" not in told.lower().replace("do not send it again", "")


@given(st.from_regex(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", fullmatch=True), st.text(max_size=2_000))
def test_any_reply_has_one_cause_with_words(status: str, reply: str) -> None:
    cause = find_cause(status, reply)
    assert all(cause_words(cause, reply=reply))
    assert listed_by(reply).isascii()


@given(st.text(max_size=100), st.text(min_size=1_000, max_size=1_100))
def test_what_is_far_behind_is_not_looked_at(end: str, beginning: str) -> None:
    assert said_cause(beginning + end) == said_cause(beginning[:1_000])


@pytest.mark.parametrize("cause", [Cause.POLICY, Cause.NO_SUCH_USER])
def test_what_this_host_did_not_send_is_not_said_of_the_other_server(cause: Cause) -> None:
    reply = f"{SUPPRESSED} bob@far.test complained about mail on 2026-03-01. You can lift it in webmail."
    what, step = cause_words(cause, reply=reply)
    assert (what, step) == meaning("5.7.1", reply)
    assert "server" not in what
    assert "suppression list" in step
    assert "suppression list" in administrators_step(cause, reply=reply)
