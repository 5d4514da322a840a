"""When an address is banned, and for how long."""

from mailhost.settings.source import env

env.section("Bans")
BAN_AFTER_OFFENCES = env.integer(
    "MAILHOST_BAN_AFTER_OFFENCES",
    10,
    "Offences of one address (IPv6: /64) that ban it from SMTP, IMAP and POP3: sessions that ended because they "
    "guessed recipients, sign-ins beyond the last wrong password that is looked at. 0: nobody is banned automatically.",
)
BAN_OFFENCE_WINDOW_SECONDS = env.integer(
    "MAILHOST_BAN_OFFENCE_WINDOW", 3_600, "How long an offence counts, in seconds.", minimum=1
)
BAN_SECONDS = env.integer(
    "MAILHOST_BAN",
    3_600,
    "How long the first such ban lasts, in seconds; each further one within a week twice as long as the one before.",
    minimum=1,
)
