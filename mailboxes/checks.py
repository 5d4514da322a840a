"""What `manage.py check`, and every server at its start, says about settings that nobody could sign in with."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from mailboxes.mechanisms import MECHANISMS
from mailboxes.tokens import token_checker


@register()
def check_signing_in(**_: Any) -> list[CheckMessage]:
    """MAILHOST_SASL_MECHANISMS and MAILHOST_TOKEN_CHECKER name what there is."""
    found: list[CheckMessage] = []
    if unknown := [name for name in settings.SASL_MECHANISMS if name not in MECHANISMS]:
        text = f"MAILHOST_SASL_MECHANISMS names {', '.join(unknown)}. There are {', '.join(MECHANISMS)}."
        found.append(Error(text, id="mailboxes.E001"))
    try:
        token_checker()
    except ImportError as error:
        found.append(Error(f"MAILHOST_TOKEN_CHECKER: {error}", id="mailboxes.E002"))
    return found
