"""Bounds of SMTP sessions and messages, and LMTP's port."""

import ipaddress

from mailhost.settings.source import env

env.section("SMTP")
SMTP_PROCESSES = env.integer(
    "MAILHOST_SMTP_PROCESSES",
    2,
    "Processes that take mail under `./run`: one keeps a core busy with some 1,500 messages a second. "
    "`serve_smtp` is one process; several may share its ports.",
    minimum=1,
)
SUBMISSION_PROCESSES = env.integer(
    "MAILHOST_SUBMISSION_PROCESSES",
    max(1, SMTP_PROCESSES // 2),
    "How many of these take submissions as well; half of them, unless set. What sessions of one process ask together "
    "costs less, so fewer are faster until one keeps its core busy, with some 200 submissions a second.",
    minimum=1,
)
SMTP_MAX_CONNECTIONS = env.integer(
    "MAILHOST_SMTP_MAX_CONNECTIONS",
    20_000,
    "Connections of one process at once to port 25, and as many to 465 and 587 together. "
    "Far more than mail needs: whoever opens thousands and says nothing keeps nobody out.",
)
SMTP_MAX_CONNECTIONS_PER_ADDRESS = env.integer(
    "MAILHOST_SMTP_MAX_CONNECTIONS_PER_ADDRESS",
    50,
    "Of these from one address (IPv6: one /64), so that no single one can take them all.",
)
SMTP_TIMEOUT_SECONDS = env.seconds(
    "MAILHOST_SMTP_TIMEOUT",
    300,
    "How long a client may take for its next command or block of data; RFC 5321 section 4.5.3.2.7 asks for 5 minutes.",
)
SMTP_MAX_RECIPIENTS = env.integer(
    "MAILHOST_SMTP_MAX_RECIPIENTS",
    1_000,
    "Recipients in one transaction; RFC 5321 section 4.5.3.1.8 asks for at least 100. More get 452 4.5.3.",
)
SMTP_MAX_REFUSED_RECIPIENTS = env.integer(
    "MAILHOST_SMTP_MAX_REFUSED_RECIPIENTS",
    100,
    "Unknown recipients in one session before it ends: whoever asks for more is collecting addresses.",
)
SMTP_MAX_BAD_COMMANDS = env.integer(
    "MAILHOST_SMTP_MAX_BAD_COMMANDS",
    20,
    "Commands refused for their form or place in one session before it ends.",
)
SMTP_MAX_IDLE_COMMANDS = env.integer(
    "MAILHOST_SMTP_MAX_IDLE_COMMANDS",
    100,
    "NOOP, RSET, VRFY, HELP and EHLO since the last message before the session ends: they keep a connection "
    "for nothing.",
)
SMTP_MAX_LOGIN_FAILURES = env.integer(
    "MAILHOST_SMTP_MAX_LOGIN_FAILURES",
    3,
    "Failed AUTH commands in one session before it ends; a new one is slowed as the account and the address are.",
)
SMTP_MAX_RECEIVED = env.integer(
    "MAILHOST_SMTP_MAX_RECEIVED",
    100,
    "Received fields in a message that make it a loop; RFC 5321 section 6.3 asks for at least 100.",
)
SMTP_MAX_HEADER_FIELDS = env.integer(
    "MAILHOST_SMTP_MAX_HEADER_FIELDS", 2_000, "Header fields in a message; real ones stay below 300."
)
SMTP_MAX_LINE_OCTETS = env.octets(
    "MAILHOST_SMTP_MAX_LINE",
    "1M",
    "The longest line in a message. RFC 5322 allows 998 octets, but programs send HTML as one line.",
)
SMTP_CONFIRM_DELIVERY = env.boolean(
    "MAILHOST_SMTP_CONFIRM_DELIVERY",
    True,
    "Strangers who ask for it (NOTIFY=SUCCESS) are told that a message was delivered, or handed on where an alias "
    "leads elsewhere. Off, only our own accounts are: a forged reverse-path then cannot make this host write to "
    "somebody.",
)
SMTP_MAX_HEADER_OCTETS = env.octets(
    "MAILHOST_SMTP_MAX_HEADER", "1M", "The longest header of a message; real ones have under 100 KB."
)
SMTP_REFUSE_BARE_LINE_ENDS = env.boolean(
    "MAILHOST_SMTP_REFUSE_BARE_LINE_ENDS",
    False,
    "Refuses messages with a CR or an LF alone (554 5.6.0). Otherwise they are kept as they came: such an octet ends "
    "neither a line of SMTP nor the message, and becomes CRLF where the message is relayed.",
)
SMTP_REFUSE_EARLY_TALKERS = env.boolean(
    "MAILHOST_SMTP_REFUSE_EARLY_TALKERS",
    True,
    "Send clients of port 25 away (554 5.5.1) that speak before the greeting: programs that spread junk do.",
)
SMTP_GREETING_DELAY_SECONDS = env.seconds(
    "MAILHOST_SMTP_GREETING_DELAY",
    0,
    "How long a client of port 25 that is not known yet waits for the greeting, so that more of those show themselves "
    "who would not wait for it; who waited is known for a day.",
)
SMTP_MAX_HELD_OCTETS = env.octets(
    "MAILHOST_SMTP_MAX_HELD",
    "512M",
    "Octets of messages under way that one SMTP process keeps in memory; beyond it new ones get 452 4.3.1.",
)

LMTP_PORT = env.integer(
    "MAILHOST_PORT_LMTP",
    0,
    "The port of LMTP (RFC 2033), for who keeps another front before this host; 0: none. MAILHOST_PORT_OFFSET is not "
    "added.",
)
LMTP_NETWORKS = env.networks(
    "MAILHOST_LMTP_NETWORKS",
    (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
    "Who may use LMTP: whatever comes from there was let in by the front.",
)
