"""What one session may cost (RFC 3501 section 5.4 for the times)."""

from dataclasses import dataclass

from django.conf import settings

from mailhost.protocols.imap.framing import FramingLimits

# Before login nothing longer than a SASL response is due, so nobody unknown can fill memory.
BEFORE_LOGIN = FramingLimits(line=8_192, literal=1_024, message=0, command=16_384, literals=10)
# Lines a little beyond the bound are still read, so that the refusal can carry the command's tag.
LINE_SLACK = 4


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Seconds of silence, and how much nonsense is answered before the connection is closed."""

    framing: FramingLimits
    login_seconds: float
    autologout_seconds: float
    idle_notice_seconds: float
    literal_seconds: float
    room_seconds: float
    progress_seconds: float
    bad_commands: int
    login_failures: int


def from_settings() -> SessionLimits:
    return SessionLimits(
        framing=FramingLimits(
            line=settings.IMAP_MAX_LINE_OCTETS,
            literal=settings.IMAP_MAX_LITERAL_OCTETS,
            message=settings.MAX_MESSAGE_OCTETS,
            messages=settings.IMAP_MAX_APPEND_OCTETS,
            command=settings.IMAP_MAX_COMMAND_OCTETS,
        ),
        login_seconds=settings.IMAP_LOGIN_SECONDS,
        autologout_seconds=settings.IMAP_AUTOLOGOUT_SECONDS,
        idle_notice_seconds=settings.IMAP_IDLE_NOTICE_SECONDS,
        literal_seconds=60.0,
        room_seconds=settings.IMAP_APPEND_ROOM_SECONDS,
        progress_seconds=settings.IMAP_PROGRESS_SECONDS,
        bad_commands=settings.IMAP_MAX_BAD_COMMANDS,
        login_failures=settings.IMAP_MAX_LOGIN_FAILURES,
    )
