"""Rspamd itself is asked, as Debian configures it."""

from typing import TYPE_CHECKING

from tests.support.needs import needs_program

if TYPE_CHECKING:
    from tests.conversations.smtp.listening import Doors
    from tests.interop.checkers.programs import Running

pytestmark = needs_program("rspamd", package="rspamd")

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def test_its_words_and_its_reasons_are_in_the_verdict(checked_doors: "Doors", rspamd: "Running") -> None:
    from delivery.filters.checkers.case import WhenAway
    from delivery.filters.checkers.checking import Checkers
    from delivery.filters.checkers.rspamd import Place, Rspamd
    from tests.interop.checkers.sending import only, send
    from tests.support.hosting import new_account

    place = Place(rspamd.endpoint, str(rspamd.endpoint))
    checked_doors.host.checkers = Checkers(rspamd=Rspamd(place, when_away=WhenAway.DEFER, at_once=5))
    account = new_account()
    send(checked_doors, account)
    _, verdict = only(account)
    [finding] = [each for each in verdict.findings if each.check == "rspamd"]
    assert finding.result in {"no action", "greylist", "add header"}
    assert finding.text.startswith(f"Rspamd says “{finding.result}” at a score of ")
    assert " of 15" in finding.text


def test_what_it_rejects_is_refused_with_its_message(checked_doors: "Doors", rspamd: "Running") -> None:
    """The string that junk filters are tried with."""
    from delivery.filters.checkers.case import WhenAway
    from delivery.filters.checkers.checking import Checkers
    from delivery.filters.checkers.rspamd import Rspamd, parse_url
    from mailboxes.models import Message
    from tests.interop.checkers.sending import send
    from tests.support.hosting import new_account

    place = parse_url(f"http://{rspamd.endpoint}")
    checked_doors.host.checkers = Checkers(rspamd=Rspamd(place, when_away=WhenAway.DEFER, at_once=5))
    account = new_account()
    send(checked_doors, account, text=GTUBE, reply="550 5.7.1 Gtube pattern")
    assert not Message.objects.filter(mailbox__account=account).exists()
