"""What a notice of a failure brings besides its words is offered, under names that say what it is."""

import pytest

from mailhost.protocols.message.reading import read_attachment, read_message

NOTICE = b"""Content-Type: multipart/report; report-type=delivery-status; boundary=r

--r
Content-Type: text/plain

Your message did not arrive.
--r
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.here.test
--r
Content-Description: =?utf-8?q?Header_of_=22your=22_m=C3=A9ssage?=
Content-Type: %s

Subject: Hello
--r--
"""
CHOICE = b"""Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain

Come at nine.
--a
Content-Type: text/calendar; method=REQUEST

BEGIN:VCALENDAR
--a--
"""


@pytest.mark.parametrize("kind", ["text/rfc822-headers", "message/global-headers"])
def test_a_notice_offers_the_report_and_the_header(kind: str) -> None:
    octets = NOTICE % kind.encode()
    notice = read_message(octets)
    assert notice.text_plain == "Your message did not arrive."
    [report, header] = notice.attachments
    assert (report.section, report.filename) == ("2", "Delivery report.txt")
    assert header.section == "3"
    assert header.filename.startswith("Header of _your_ méssage.")
    found = read_attachment(octets, "3")
    assert found is not None
    assert found.octets == b"Subject: Hello"
    assert found.filename == header.filename


def test_another_form_of_the_text_is_none() -> None:
    message = read_message(CHOICE)
    assert (message.text_plain, message.attachments) == ("Come at nine.", ())


def test_a_part_that_says_nothing_of_itself_is_named_by_its_place() -> None:
    [report, _] = read_message(
        NOTICE.replace(b"Content-Description: Delivery report\n", b"") % b"text/x"
    ).attachments
    assert report.filename == "attachment-2.txt"
