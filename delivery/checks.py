"""What `manage.py check`, and every server at its start, says about settings that relaying cannot work with."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from delivery.relay.next_hops import RelaySettingInvalid, parse_relay
from mailhost.net.resolver import parse_nameserver


@register()
def check_relaying(**_: Any) -> list[CheckMessage]:
    """MAILHOST_RELAY and MAILHOST_RESOLVER can be read."""
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
    return found
