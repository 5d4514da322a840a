"""Settings that relaying cannot work with are told before anything starts."""

from pytest_django import Settings

from delivery.checks import check_relaying


def test_settings_that_cannot_be_read_are_told_with_a_sentence(settings: Settings) -> None:
    assert check_relaying() == []
    settings.RELAY, settings.RESOLVER = "smart:host", "ns.example.test"
    assert [each.msg.partition(":")[0] for each in check_relaying()] == [
        "MAILHOST_RELAY is 'smart",
        "MAILHOST_RESOLVER is 'ns.example.test'",
    ]


def test_a_checker_that_cannot_be_read_is_told_with_a_sentence(settings: Settings) -> None:
    settings.CLAMD = "clamd"
    assert [each.msg for each in check_relaying()] == [
        "MAILHOST_RSPAMD, MAILHOST_CLAMD, MAILHOST_MILTERS: 'clamd' names no socket: write HOST:PORT or unix:/PATH."
    ]
