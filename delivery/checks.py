"""What `manage.py check`, and every server at its start, says about settings that delivery cannot work with."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from delivery.feedback.reporting import contact
from delivery.feedback.tls.reporting import contact as tls_contact
from delivery.filters.checkers.checking import CheckerSettingInvalid, configured_checkers
from delivery.guard.dns_lists import DnsListInvalid
from delivery.guard.guarding import configured_lists
from delivery.relay.next_hops import RelaySettingInvalid, parse_relay
from mailhost.net.resolver import parse_nameserver
from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress


@register()
def check_relaying(**_: Any) -> list[CheckMessage]:
    """MAILHOST_RELAY, MAILHOST_RESOLVER, the DNS lists and the checkers can be read."""
    found: list[CheckMessage] = []
    try:
        parse_relay(settings.RELAY)
    except RelaySettingInvalid as error:
        found.append(Error(str(error), id="delivery.E001"))
    try:
        parse_nameserver(settings.RESOLVER)
    except ValueError:
        text = f"MAILHOST_RESOLVER is {settings.RESOLVER!r}: say ADDRESS:PORT, with an IP address."
        found.append(Error(text, id="delivery.E002"))
    try:
        configured_lists()
    except DnsListInvalid as error:
        found.append(
            Error(f"MAILHOST_DNS_BLOCK_LISTS, MAILHOST_DNS_ALLOW_LISTS: {error}", id="delivery.E003")
        )
    try:
        configured_checkers()
    except CheckerSettingInvalid as error:
        found.append(Error(str(error), id="delivery.E004"))
    return found


@register()
def check_reporting(**_: Any) -> list[CheckMessage]:
    """Reports can come from the addresses that are named for them."""
    found: list[CheckMessage] = []
    if settings.DMARC_REPORTS:
        found += _check_contact(contact(), "DMARC", ids=("delivery.E005", "delivery.E006"))
    if settings.TLS_REPORTS:
        found += _check_contact(tls_contact(), "TLS", ids=("delivery.E007", "delivery.E008"))
    return found


def _check_contact(text: str, kind: str, *, ids: tuple[str, str]) -> list[CheckMessage]:
    try:
        address = EmailAddress.parse(text)
    except AddressSyntaxError as error:
        return [Error(f"MAILHOST_{kind}_REPORTS_CONTACT: {error}", id=ids[0])]
    if address.domain == "localhost" or not str(address).isascii():
        hint = f"MAILHOST_{kind}_REPORTS needs a MAILHOST_HOSTNAME, or a contact of its own, that others can write to."
        return [Error(hint, id=ids[1])]
    return []
