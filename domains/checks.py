"""What `manage.py check`, and every server at its start, says about the secret that keys are encrypted with."""

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import Error as DatabaseError

from domains.dkim_keys import private_key
from domains.models import DkimKey, DkimState
from mailhost.net.secrets_at_rest import CannotDecrypt

MIN_SECRET: Final = 32  # characters


@register()
def check_key_secret(**_: Any) -> list[CheckMessage]:
    """It is long enough, and what is in the database was encrypted with it or with an old one."""
    secrets = (settings.KEY_SECRET, *settings.OLD_KEY_SECRETS)
    if any(len(secret) < MIN_SECRET for secret in secrets):
        text = f"MAILHOST_KEY_SECRET and MAILHOST_OLD_KEY_SECRETS need {MIN_SECRET} characters or more, as they can be "
        return [Error(text + "guessed otherwise by whoever has a copy of the database.", id="domains.E001")]
    try:
        key = DkimKey.objects.exclude(state=DkimState.RETIRED).order_by("-pk").first()
        if key is not None:
            private_key(key)
    except DatabaseError:  # not there yet, or not migrated
        return []
    except CannotDecrypt as fact:
        text = f"DKIM keys in the database cannot be read, so mail goes out unsigned: {fact}"
        hint = "Name the secret of before in MAILHOST_OLD_KEY_SECRETS, or bring var/key_secret back from a backup. "
        return [Warning(text, hint=hint + "Where it is lost, rotate the keys.", id="domains.W001")]
    return []
