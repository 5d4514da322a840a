"""Settings that relaying cannot work with are told before anything starts."""

from pytest_django import Settings

from delivery.checks import check_relaying, check_reporting


def test_settings_that_cannot_be_read_are_told_with_a_sentence(settings: Settings) -> None:
    assert check_relaying() == []
    settings.RELAY, settings.RESOLVER = "smart:host", "ns.example.test"
    assert [each.msg.partition(":")[0] for each in check_relaying()] == [
        "MAILHOST_RELAY is 'smart",
        "MAILHOST_RESOLVER is 'ns.example.test'",
    ]


def test_reports_have_to_come_from_an_address_that_others_can_write_to(settings: Settings) -> None:
    settings.HOSTNAME = "localhost"
    assert check_reporting() == []
    settings.DMARC_REPORTS = True
    assert [each.id for each in check_reporting()] == ["delivery.E006"]
    settings.DMARC_REPORTS_CONTACT = "Reports <d@host.test>"
    assert [each.id for each in check_reporting()] == ["delivery.E005"]
    settings.TLS_REPORTS = True
    assert [each.id for each in check_reporting()] == ["delivery.E005", "delivery.E007"]
    settings.TLS_REPORTS_CONTACT = "tls@localhost"
    assert [each.id for each in check_reporting()] == ["delivery.E005", "delivery.E008"]
    settings.DMARC_REPORTS_CONTACT, settings.TLS_REPORTS_CONTACT = "d@host.test", ""
    assert check_reporting() == []


def test_a_checker_that_cannot_be_read_is_told_with_a_sentence(settings: Settings) -> None:
    settings.CLAMD = "clamd"
    assert [each.msg for each in check_relaying()] == [
        "MAILHOST_RSPAMD, MAILHOST_CLAMD, MAILHOST_MILTERS: 'clamd' names no socket: write HOST:PORT or unix:/PATH."
    ]
