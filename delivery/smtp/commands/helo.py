"""EHLO and HELO (RFC 5321 section 4.1.1.1), with what is offered: LIMITS is RFC 9422, REQUIRETLS RFC 8689,
FUTURERELEASE RFC 4865, DELIVERBY RFC 2852."""

from django.conf import settings

from delivery.smtp.commands.auth import mechanisms
from delivery.smtp.session import Door, Session, max_message_octets
from mailhost.protocols.smtp.future_release import longest_wait
from mailhost.protocols.smtp.replies import CommandRefused, Reply


async def ehlo(session: Session, argument: str) -> Reply:
    """Tells the extensions of this server; LHLO does the same (RFC 2033 section 4.1)."""
    _greet(session, argument, is_extended=True)
    extensions = [
        # What is no ASCII is no domain (RFC 6531 section 3.7.1), and may not stand in a reply.
        f"{session.host.name} greets {argument[:255] if argument.isascii() else 'you'}",
        "PIPELINING",
        f"SIZE {max_message_octets()}",
        "8BITMIME",
        "CHUNKING",
        "BINARYMIME",
        "SMTPUTF8",
        "DSN",
        "ENHANCEDSTATUSCODES",
        # Of the registered limits the one that holds: nobody counts messages in a session, or a recipient's domains.
        f"LIMITS RCPTMAX={settings.SMTP_MAX_RECIPIENTS}",
    ]
    if session.connection.is_tls:
        extensions.append("REQUIRETLS")
    if session.host.tls is not None and not session.connection.is_tls:
        extensions.append("STARTTLS")
    if _may_submit(session):
        extensions.append("DELIVERBY")  # no time is too short
    if offered := mechanisms(session):
        extensions.append(f"AUTH {' '.join(offered)}")
    if settings.FUTURE_RELEASE_MAX_SECONDS and _may_submit(session):
        most = int(settings.FUTURE_RELEASE_MAX_SECONDS)
        extensions.append(longest_wait(max_seconds=most, now=session.host.clock()))
    extensions.append("HELP")
    return Reply(250, "", "\n".join(extensions))


def _may_submit(session: Session) -> bool:
    """Also before AUTH, after which clients do not ask again; not where they have to begin with STARTTLS."""
    may_sign_in = session.principal is not None or bool(mechanisms(session))
    return session.door is Door.SUBMISSION and may_sign_in


async def helo(session: Session, argument: str) -> Reply:
    """The greeting of RFC 821, without extensions."""
    _greet(session, argument, is_extended=False)
    return Reply(250, "", session.host.name)


def _greet(session: Session, argument: str, *, is_extended: bool) -> None:
    if not argument:
        raise CommandRefused(501, "5.5.4", "Syntax: EHLO domain (in LMTP: LHLO domain)")
    # Which name a client gives is not looked at: too many honest ones have none (section 4.1.4).
    session.reset()
    session.helo = argument
    session.is_extended = is_extended
