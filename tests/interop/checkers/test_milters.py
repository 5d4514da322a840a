"""Milters on libmilter itself: opendkim, which adds a field, and clamav-milter, which refuses."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.support.needs import needs_program

if TYPE_CHECKING:
    from tests.conversations.smtp.listening import Doors
    from tests.interop.checkers.programs import Running


@needs_program("opendkim", package="opendkim")
def test_what_opendkim_signs_verifies_as_it_is_stored(checked_doors: "Doors") -> None:
    """With simple canonicalization: every octet has arrived there, and the field here, as it is."""
    from delivery.filters.checkers.case import WhenAway
    from delivery.filters.checkers.checking import Checkers
    from delivery.filters.checkers.milter import Milter, MilterPlace
    from mailhost.protocols import dkim
    from mailhost.protocols.dkim.keys import choose_key
    from tests.interop.checkers import programs
    from tests.interop.checkers.sending import only, send
    from tests.support.hosting import new_account

    account = new_account()
    with programs.opendkim("far.test") as (signer, record):
        place = MilterPlace("dkim", signer.endpoint)
        checked_doors.host.checkers = Checkers(milters=[Milter(place, when_away=WhenAway.DEFER, at_once=5)])
        send(checked_doors, account)
    send(checked_doors, account, reply="451 4.3.0 A check of this host is away, try again later")
    octets, verdict = only(account)
    assert [each.text for each in verdict.findings] == ["The filter dkim takes it and changes its header."]
    message = dkim.read_signed_message(octets)
    [signature] = dkim.find_signatures(message, now=datetime.now(UTC))
    assert isinstance(signature, dkim.MessageSignature)
    assert signature.key_name == f"{programs.SELECTOR}._domainkey.far.test"
    found = dkim.check(message, signature, choose_key([record], name=signature.key_name))
    assert found.result is dkim.Result.PASS, found


@needs_program("clamd", package="clamav-daemon")
@needs_program("clamav-milter", package="clamav-milter")
def test_what_clamav_milter_refuses_is_refused_in_its_words(checked_doors: "Doors", clamd: "Running") -> None:
    from delivery.filters.checkers.case import WhenAway
    from delivery.filters.checkers.checking import Checkers
    from delivery.filters.checkers.milter import Milter, MilterPlace
    from tests.interop.checkers import programs
    from tests.interop.checkers.sending import only, send
    from tests.support.hosting import new_account

    account = new_account()
    with programs.clamav_milter(clamd) as started:
        place = MilterPlace("clamav", started.endpoint)
        checked_doors.host.checkers = Checkers(milters=[Milter(place, when_away=WhenAway.DEFER, at_once=5)])
        refusal = f"550 5.7.1 Not with {programs.SIGNATURE}"
        send(checked_doors, account, text=programs.MARKER.decode(), reply=refusal)
        send(checked_doors, account)
    octets, verdict = only(account)
    assert b"\r\nX-Virus-Status: Clean\r\n" in octets
    assert [each.text for each in verdict.findings] == ["The filter clamav takes it and changes its header."]


@needs_program("spamass-milter", package="spamass-milter")
def test_a_milter_that_must_change_texts_goes_away(checked_doors: "Doors") -> None:
    """That is not offered, and so it is never made to believe that it was done."""
    from delivery.filters.checkers.case import WhenAway
    from delivery.filters.checkers.checking import Checkers
    from delivery.filters.checkers.milter import Milter, MilterPlace
    from tests.interop.checkers import programs
    from tests.interop.checkers.sending import only, send
    from tests.support.hosting import new_account

    account = new_account()
    with programs.spamass_milter() as started:
        place = MilterPlace("assassin", started.endpoint)
        checked_doors.host.checkers = Checkers(milters=[Milter(place, when_away=WhenAway.ACCEPT, at_once=5)])
        send(checked_doors, account)
    _, verdict = only(account)
    assert [each.text for each in verdict.findings] == ["The filter assassin was not heard: It hung up."]
