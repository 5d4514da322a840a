"""What `manage.py check`, and every server at its start, says about settings of signing in that name nothing."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from mailboxes.mechanisms import MECHANISMS
from mailboxes.tokens import token_checker
from mailhost.protocols.imap.capabilities import SWITCHES


@register()
def check_signing_in(**_: Any) -> list[CheckMessage]:
    """MAILHOST_SASL_MECHANISMS, MAILHOST_IMAP_SWITCHED_OFF and MAILHOST_TOKEN_CHECKER name what there is."""
    found: list[CheckMessage] = []
    if unknown := [name for name in settings.SASL_MECHANISMS if name not in MECHANISMS]:
        text = f"MAILHOST_SASL_MECHANISMS names {', '.join(unknown)}. There are {', '.join(MECHANISMS)}."
        found.append(Error(text, id="mailboxes.E001"))
    known = SWITCHES | {f"AUTH={name}" for name in MECHANISMS}
    if unknown := [word for word in settings.IMAP_SWITCHED_OFF if word not in known]:
        text = f"MAILHOST_IMAP_SWITCHED_OFF names {', '.join(unknown)}, which cannot be switched off."
        found.append(Error(text, id="mailboxes.E003"))
    try:
        token_checker()
    except ImportError as error:
        found.append(Error(f"MAILHOST_TOKEN_CHECKER: {error}", id="mailboxes.E002"))
    return found
