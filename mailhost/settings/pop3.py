"""Bounds of POP3 sessions."""

from mailhost.settings.source import env

env.section("POP3")
POP3_MAX_CONNECTIONS = env.integer(
    "MAILHOST_POP3_MAX_CONNECTIONS", 2_000, "Connections at once in one process, both ports together."
)
POP3_MAX_CONNECTIONS_PER_ADDRESS = env.integer(
    "MAILHOST_POP3_MAX_CONNECTIONS_PER_ADDRESS",
    50,
    "Of these from one address (IPv6: one /64): an office behind one address, and no attacker who takes them all.",
)
POP3_AUTOLOGOUT_SECONDS = env.seconds(
    "MAILHOST_POP3_AUTOLOGOUT",
    600,
    "Idle time that ends a session; RFC 1939 section 3 asks for 10 minutes at least.",
)
POP3_LOGIN_TIMEOUT_SECONDS = env.seconds(
    "MAILHOST_POP3_LOGIN_TIMEOUT",
    180,
    "The same before sign-in, where nothing is lost and strangers would hold connections.",
)
POP3_MAX_LINE_OCTETS = env.octets(
    "MAILHOST_POP3_MAX_LINE",
    "8K",
    "The longest command or AUTH response; RFC 2449 section 4 asks for 255 octets, tokens are longer.",
)
POP3_MAX_BAD_COMMANDS = env.integer(
    "MAILHOST_POP3_MAX_BAD_COMMANDS",
    20,
    "Lines in one session that are refused for their form or place before it ends.",
)
POP3_MAX_LOGIN_FAILURES = env.integer(
    "MAILHOST_POP3_MAX_LOGIN_FAILURES", 3, "Wrong passwords in one session before it ends."
)
POP3_READ_AHEAD_OCTETS = env.octets(
    "MAILHOST_POP3_READ_AHEAD",
    "256K",
    "Octets that a session reads ahead for a client that gets message after message; it holds them in memory.",
)
POP3_LEASE_SECONDS = env.seconds(
    "MAILHOST_POP3_LEASE",
    60,
    "How long the maildrop of a session whose process died stays locked; living ones renew their lease.",
)
POP3_LOGIN_DELAY_SECONDS = env.integer(
    "MAILHOST_POP3_LOGIN_DELAY",
    0,
    "Seconds from one login of an account to the next; sooner ones are refused, as CAPA tells. 0: none.",
)
