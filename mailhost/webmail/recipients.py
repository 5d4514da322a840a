"""What people type as recipients, parsed once: names and addresses, separated by commas, semicolons or lines."""

import re
from dataclasses import dataclass

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress, quote_local_part
from mailhost.protocols.message.address_list import parse_address_list
from mailhost.protocols.message.reading import Correspondent

MAX_TYPED_CHARACTERS = 100_000

_SEPARATOR = re.compile(r'(?P<quoted>"(?:[^"\\]|\\.)*+(?:"|\Z))|[;\r\n>]', re.DOTALL)


class RecipientsInvalid(ValueError):
    """Something among the recipients is no address; the text names it."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A name, perhaps, and an address that mail can be sent to."""

    name: str
    address: EmailAddress

    @property
    def correspondent(self) -> Correspondent:
        """As the header says it."""
        return Correspondent(self.name, str(self.address))


def parse_recipients(typed: str) -> tuple[Recipient, ...]:
    """Each address once, in the order typed. Raises RecipientsInvalid."""
    if len(typed) > MAX_TYPED_CHARACTERS:
        raise RecipientsInvalid("That is too long for a list of recipients.")
    found: dict[tuple[str, str], Recipient] = {}
    for listed in parse_address_list(_with_commas(typed).encode("utf-8", "replace")):
        if listed.mailbox is None and listed.name is None:
            continue
        mailbox, host = (
            (each or b"").decode("utf-8", "replace").strip() for each in (listed.mailbox, listed.host)
        )
        quoted = quote_local_part(mailbox)
        if f"{quoted}@" in typed:  # the list has it without the quotes that it needs as an address
            mailbox = quoted
        shown = f"{mailbox}@{host}" if host else mailbox
        if not shown:
            continue
        try:
            address = EmailAddress.parse(shown)
        except AddressSyntaxError as error:
            raise RecipientsInvalid(f"“{shown[:200]}” is not an address. {error}") from error
        name = (listed.name or b"").decode("utf-8", "replace").strip()
        found.setdefault(address.key, Recipient(name, address))
    return tuple(found.values())


def _with_commas(typed: str) -> str:
    """Semicolons and line ends outside quotes separate too: other programs taught people so. And nobody is to be
    left out for a comma that was forgotten behind a ">"."""
    return _SEPARATOR.sub(_comma, typed)


def _comma(separator: re.Match[str]) -> str:
    if separator["quoted"]:
        return separator[0]
    return ">," if separator[0] == ">" else ","
