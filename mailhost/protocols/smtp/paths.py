"""Reverse-paths and forward-paths: RFC 5321 sections 4.1.1.2, 4.1.1.3 and 4.1.2."""

import re
from dataclasses import dataclass

from mailhost.protocols.addresses import AddressSyntaxError, EmailAddress
from mailhost.protocols.smtp.replies import CommandRefused

# Path = "<" [ A-d-l ":" ] Mailbox ">"; what is quoted may hold brackets of its own
_PATH = re.compile(r'<((?:[^"<>\\]|"(?:[^"\\]|\\.)*")*)>(?:[ ]+(.*))?', re.DOTALL)
# Without brackets is no path, but printers and scripts write it, and it can mean one thing only.
_BARE_PATH = re.compile(r'([^<>"\\\s]+)(?:[ ]+(.*))?', re.DOTALL)
# A-d-l = At-domain *( "," At-domain ): to be accepted and ignored (RFC 5321 appendix C)
_SOURCE_ROUTE = re.compile(r"@(?:\[[^\]]*\]|[^,:\[\]]+)(?:,@(?:\[[^\]]*\]|[^,:\[\]]+))*:")


@dataclass(frozen=True, slots=True)
class ReversePath:
    """Where a DSN goes; address is None for the null reverse-path `<>`."""

    address: EmailAddress | None

    @classmethod
    def parse(cls, text: str) -> "ReversePath":
        """text: what stands between the brackets."""
        return cls(_parse_mailbox(text, code=501, enhanced="5.1.7") if text else None)

    def __str__(self) -> str:
        return str(self.address) if self.address else ""


@dataclass(frozen=True, slots=True)
class ForwardPath:
    """Where mail goes; address is None for `<Postmaster>`, this host's own (RFC 5321 section 4.5.1)."""

    address: EmailAddress | None

    @classmethod
    def parse(cls, text: str) -> "ForwardPath":
        """text: what stands between the brackets."""
        if text.lower() == "postmaster":
            return cls(None)
        return cls(_parse_mailbox(text, code=501, enhanced="5.1.3"))

    def __str__(self) -> str:
        return str(self.address) if self.address else "postmaster"


def split_path(text: str) -> tuple[str, str]:
    """(what stands between the brackets, the parameters after them)."""
    found = _PATH.fullmatch(text) or _BARE_PATH.fullmatch(text)
    if not found:
        raise CommandRefused(501, "5.5.4", "Syntax: a path has the form <name@domain>")
    return found[1], found[2] or ""


def _parse_mailbox(text: str, *, code: int, enhanced: str) -> EmailAddress:
    if text.startswith("@") and (route := _SOURCE_ROUTE.match(text)):
        text = text[route.end() :]
    try:
        return EmailAddress.parse(text, is_lenient=True)
    except AddressSyntaxError as error:
        raise CommandRefused(code, enhanced, str(error)) from error
