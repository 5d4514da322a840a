"""The commands of RFC 5321 section 4.1 and its extensions, one module each, and the table of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from delivery.smtp.commands import auth, bdat, data, helo, help, mail, noop, quit, rcpt, rset, starttls, vrfy
from delivery.smtp.session import Session, State
from mailhost.protocols.smtp.replies import Reply


@dataclass(frozen=True, slots=True)
class Command:
    """is_idle: does nothing for a message. max_octets: of the line with CRLF (RFC 5321 section 4.5.3.1.4)."""

    run: Callable[[Session, str], Awaitable[Reply]]
    allowed_in: frozenset[State] = frozenset(State)
    is_idle: bool = False
    max_octets: int = 512


# Parameters lengthen the line: AUTH= and ORCPT by up to 500 octets each (RFC 4954 section 5, RFC 3461 section 5.1),
# HOLDUNTIL= by 34 (RFC 4865 section 3).
MAX_PATH_COMMAND_OCTETS: Final = 2_048

COMMANDS: Final[dict[str, Command]] = {
    "EHLO": Command(helo.ehlo, is_idle=True),
    "HELO": Command(helo.helo, is_idle=True),
    "MAIL": Command(mail.mail, mail.ALLOWED_IN, max_octets=MAX_PATH_COMMAND_OCTETS),
    "RCPT": Command(rcpt.rcpt, rcpt.ALLOWED_IN, max_octets=MAX_PATH_COMMAND_OCTETS),
    "DATA": Command(data.data, data.ALLOWED_IN),
    "BDAT": Command(bdat.bdat),  # in its place or not, its octets must be read
    "RSET": Command(rset.rset, is_idle=True),
    "NOOP": Command(noop.noop, is_idle=True),
    "QUIT": Command(quit.quit_),
    "VRFY": Command(vrfy.vrfy, is_idle=True),
    "EXPN": Command(vrfy.expn, is_idle=True),
    "HELP": Command(help.help_, is_idle=True),
    "STARTTLS": Command(starttls.starttls, starttls.ALLOWED_IN),
    "AUTH": Command(auth.auth, auth.ALLOWED_IN, max_octets=auth.MAX_LINE_OCTETS),
}
# RFC 2033 section 4.1: LHLO takes the place of EHLO and HELO, which are refused. AUTH is for submission.
LMTP_COMMANDS: Final[dict[str, Command]] = {
    "LHLO": COMMANDS["EHLO"],
    **{verb: command for verb, command in COMMANDS.items() if verb not in {"EHLO", "HELO", "AUTH"}},
}
