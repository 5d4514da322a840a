"""Names of mailboxes as they are stored: which there can be, and which are the same (RFC 9051 section 5.1)."""

import unicodedata

from django.conf import settings

from mailboxes.exceptions import MailboxNameInvalid, MailboxNotFound

SEPARATOR = "/"
INBOX = "INBOX"
OTHER_USERS = "Other Users"  # RFC 2342: what stands below it belongs to others (store/rights.py)
MAX_NAME_OCTETS = 2_000  # names are in an index of Postgres, whose rows hold 2,704 octets


def canonical_name(name: str) -> str:
    """The name as it is stored: NFC, INBOX in capitals wherever it is the first level. Raises MailboxNameInvalid."""
    name = unicodedata.normalize("NFC", name)
    levels = name.split(SEPARATOR)
    if not all(levels):
        raise MailboxNameInvalid("A mailbox name has no empty level.")
    if len(name) > settings.MAX_MAILBOX_NAME or len(name.encode("utf-8", "replace")) > MAX_NAME_OCTETS:
        raise MailboxNameInvalid(
            f"A mailbox name has at most {settings.MAX_MAILBOX_NAME} characters and {MAX_NAME_OCTETS} octets."
        )
    # RFC 9051 section 5.1 item 3: Net-Unicode (RFC 5198) has no controls; U+2028 and U+2029 are lines to some clients.
    if any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        raise MailboxNameInvalid("A mailbox name has no control characters.")
    if levels[0].isascii() and levels[0].upper() == INBOX:  # the dotless i has an ASCII capital, and is none
        levels[0] = INBOX
    return SEPARATOR.join(levels)


def own_name(name: str) -> str:
    """The canonical name, for one that is to be made. Raises MailboxNameInvalid."""
    name = canonical_name(name)
    if "*" in name or "%" in name:  # RFC 9051 section 5.1 item 2: clients that list them see others instead
        raise MailboxNameInvalid("A mailbox name has neither * nor %: those are wildcards.")
    if name.split(SEPARATOR)[0] == OTHER_USERS:
        raise MailboxNameInvalid(f"Below {OTHER_USERS} are the mailboxes that others share.")
    return name


def may_have_inferiors(name: str) -> bool:
    """Whether a name with one more level can be within the bounds."""
    longer = len(SEPARATOR) + 1
    return (
        len(name) + longer <= settings.MAX_MAILBOX_NAME
        and len(name.encode("utf-8", "replace")) + longer <= MAX_NAME_OCTETS
    )


def sought(name: str) -> str:
    """The canonical name of a mailbox that is looked for. Raises MailboxNotFound where there can be none."""
    try:
        return canonical_name(name)
    except MailboxNameInvalid:
        raise MailboxNotFound(name) from None
