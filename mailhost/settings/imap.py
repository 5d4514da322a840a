"""Bounds of IMAP sessions."""

from mailhost.settings.source import env

env.section("IMAP")
IMAP_MAX_CONNECTIONS = env.integer(
    "MAILHOST_IMAP_MAX_CONNECTIONS",
    10_000,
    "Connections of one process; an idle one with TLS takes some 50 KB.",
)
IMAP_MAX_CONNECTIONS_PER_ADDRESS = env.integer(
    "MAILHOST_IMAP_MAX_CONNECTIONS_PER_ADDRESS",
    200,
    "From one address (IPv6: /64) at once: clients hold five or more each, and offices share an address.",
)
IMAP_MAX_SESSIONS_PER_ACCOUNT = env.integer(
    "MAILHOST_IMAP_MAX_SESSIONS_PER_ACCOUNT",
    100,
    "Of one account at once, over all processes: a phone, a computer and a webmail hold some twenty together.",
)
IMAP_MAX_LINE_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_LINE",
    "64K",
    "One line of a command. RFC 7162 section 4 asks for 8 KB; clients name thousands of UIDs in one line.",
)
IMAP_MAX_LITERAL_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_LITERAL",
    "64K",
    "A literal in any command but APPEND, whose bound is MAILHOST_MAX_MESSAGE.",
)
IMAP_MAX_APPEND_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_APPEND",
    "100M",
    "All messages of one APPEND together: they are stored all or none, so all are in memory at once.",
)
IMAP_APPEND_ROOM_OCTETS = env.octets(
    "MAILHOST_IMAP_APPEND_ROOM",
    "256M",
    "Messages on their way in over all sessions of the IMAP process, half of it for one account; the next APPEND waits "
    "until others are stored.",
)
IMAP_APPEND_ROOM_SECONDS = env.seconds(
    "MAILHOST_IMAP_APPEND_ROOM_TIMEOUT", 30, "How long an APPEND waits for that room before it is refused."
)
IMAP_MAX_COMMAND_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_COMMAND",
    "1M",
    "All lines and literals of one command together, but for APPEND's message.",
)
IMAP_MAX_ANNOTATION_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_ANNOTATION",
    "32K",
    "One value of METADATA; RFC 5464 section 4.1 asks for 1 KB. Beyond MAILHOST_IMAP_MAX_LITERAL nothing arrives.",
)
IMAP_MAX_ANNOTATIONS = env.integer(
    "MAILHOST_IMAP_MAX_ANNOTATIONS",
    100,
    "Entries of METADATA that one account sees of a mailbox, or of the server; RFC 5464 section 4.1 asks for 10.",
)
IMAP_MAX_ANNOTATIONS_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_ANNOTATIONS_SIZE",
    "10M",
    "All METADATA of one account together, as it does not count towards its quota.",
)
IMAP_MAX_WATCHED_MAILBOXES = env.integer(
    "MAILHOST_IMAP_MAX_WATCHED_MAILBOXES",
    1_000,
    "Mailboxes that one session watches with NOTIFY: some 1 KB each, and every change in them is looked at.",
)
IMAP_LOGIN_SECONDS = env.seconds(
    "MAILHOST_IMAP_LOGIN_TIMEOUT", 60, "Silence of a client that has not signed in before it is sent away."
)
IMAP_AUTOLOGOUT_SECONDS = env.seconds(
    "MAILHOST_IMAP_AUTOLOGOUT",
    1_800,
    "Silence before autologout; RFC 3501 section 5.4 wants at least 30 minutes.",
)
IMAP_IDLE_NOTICE_SECONDS = env.seconds(
    "MAILHOST_IMAP_IDLE_NOTICE",
    120,
    "How often IDLE says that it is still there: address translators forget silent connections after a few minutes.",
)
IMAP_PROGRESS_SECONDS = env.seconds(
    "MAILHOST_IMAP_PROGRESS",
    5,
    "Between two INPROGRESS responses of a command that takes long (RFC 9585): far below what clients wait.",
)
IMAP_MAX_BAD_COMMANDS = env.integer(
    "MAILHOST_IMAP_MAX_BAD_COMMANDS",
    20,
    "Commands in a row that cannot be understood before the connection closes.",
)
IMAP_MAX_LOGIN_FAILURES = env.integer(
    "MAILHOST_IMAP_MAX_LOGIN_FAILURES", 5, "Wrong passwords on one connection before it closes."
)
IMAP_PROCESSES = env.integer(
    "MAILHOST_IMAP_PROCESSES",
    2,
    "Processes that serve IMAP under `./run`. `serve_imap` is one process; several may share its ports.",
    minimum=1,
)
IMAP_SWITCHED_OFF = env.words(
    "MAILHOST_IMAP_SWITCHED_OFF",
    (),
    "IMAP capabilities that are neither told nor served, to work around a client. With `LITERAL+` here, `LITERAL-` is "
    "told in its place.",
)
