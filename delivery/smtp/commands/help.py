"""HELP (RFC 5321 section 4.1.1.8)."""

from delivery.smtp.session import Door, Session
from mailhost.protocols.smtp.replies import Reply


async def help_(session: Session, argument: str) -> Reply:
    """The commands that there are."""
    hello = "LHLO" if session.door is Door.LMTP else "EHLO HELO"
    auth = " AUTH" if session.door is Door.SUBMISSION else ""
    return Reply(214, "2.0.0", f"{hello} MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP STARTTLS{auth}")
