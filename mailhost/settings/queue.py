"""How long queued mail is tried, what is learned from what comes back, and how many connections that takes."""

from mailhost.settings.source import env

env.section("The queue")
QUEUE_LIFETIME_SECONDS = env.seconds(
    "MAILHOST_QUEUE_LIFETIME",
    5 * 86_400,
    "How long a message is tried before it is given back; RFC 5321 section 4.5.4.1 asks for 4 to 5 days.",
)
QUEUE_DELAY_NOTICE_SECONDS = env.seconds(
    "MAILHOST_QUEUE_DELAY_NOTICE",
    4 * 3_600,
    "After this time the sender is told once that a message is delayed; 0: never.",
)
DOUBLE_BOUNCES_TO_POSTMASTER = env.boolean(
    "MAILHOST_DOUBLE_BOUNCES_TO_POSTMASTER",
    False,
    "Whoever reads postmaster gets a copy of what failed and nobody could be told of: notices and other mail with the "
    "null reverse-path, and mail whose sender has gone (RFC 3461 section 5.2). Off, only trace and log say it: most of "
    "it answers forged senders.",
)
QUEUE_RETENTION_SECONDS = env.seconds(
    "MAILHOST_QUEUE_RETENTION",
    14 * 86_400,
    "How long finished messages and their attempts are kept for looking back at.",
)
QUEUE_LEASE_SECONDS = env.seconds(
    "MAILHOST_QUEUE_LEASE",
    90,
    "A worker that was killed is given up after this; a living one renews its claim three times as often.",
)
QUEUE_TICK_SECONDS = env.seconds(
    "MAILHOST_QUEUE_TICK", 5, "How often the queue is looked at without being told of new mail."
)
VERP = env.boolean(
    "MAILHOST_VERP",
    False,
    "Sends each recipient's copy of our senders' mail with a reverse-path of its own, so that what comes back is known "
    "for certain, whatever it quotes; it costs a transaction for each recipient. Off: bounces are known by what they "
    "quote.",
)
VERP_DAYS = env.integer(
    "MAILHOST_VERP_DAYS",
    10,
    "How long such an address takes bounces, counted from when the message was to be given up here. What it was sent "
    "with must still be in the queue (`MAILHOST_QUEUE_RETENTION`).",
    minimum=1,
)
SUPPRESS_AFTER = env.integer(
    "MAILHOST_SUPPRESS_AFTER",
    2,
    "So many times mail to an address elsewhere comes back because there is no such address, before its sender sends "
    "there no more: one time may be the other server's mistake. 0: nothing is learned from bounces.",
)
SUPPRESS_DAYS = env.integer(
    "MAILHOST_SUPPRESS_DAYS",
    30,
    "How long an address stays on the suppression list since mail to it came back last.",
    minimum=1,
)
SUPPRESS_COMPLAINT_DAYS = env.integer(
    "MAILHOST_SUPPRESS_COMPLAINT_DAYS",
    365,
    "The same since its owner complained about mail (at once, the first time). 0: nothing is learned from complaints.",
)
SUPPRESS_REFUSES = env.boolean(
    "MAILHOST_SUPPRESS_REFUSES",
    True,
    "A mail program is told of a suppressed recipient while it submits (550 5.7.1), and most of them then send nothing "
    "until it is taken out. Off: the message is taken, goes to the others, and a notice tells of the rest.",
)
RETURNED_DAYS = env.integer(
    "MAILHOST_RETURNED_DAYS",
    90,
    "How long it is known which mail came back after another host had taken it, and why.",
    minimum=1,
)
QUEUE_SURVEY_SECONDS = env.seconds(
    "MAILHOST_QUEUE_SURVEY",
    10,
    "How often what waits is counted for the queue pages; less often where that would take a twentieth of the time.",
)
RELAY_CONNECTIONS = env.integer(
    "MAILHOST_RELAY_CONNECTIONS",
    100,
    "Connections to other hosts at once, in one worker process; as many again to hosts that failed before.",
)
RELAY_CONNECTIONS_PER_DESTINATION = env.integer(
    "MAILHOST_RELAY_CONNECTIONS_PER_DESTINATION",
    10,
    "Connections to one domain at once, at most: it begins with 2, has one more for every few messages that are taken, "
    "and half as many where the receiver answers 421 or 4.7.x.",
)
RELAY_CONNECTIONS_PER_HOST = env.integer(
    "MAILHOST_RELAY_CONNECTIONS_PER_HOST",
    20,
    "Connections to one address at once, in one worker process, for all domains together: many share a provider.",
)
RELAY_MESSAGES_PER_CONNECTION = env.integer(
    "MAILHOST_RELAY_MESSAGES_PER_CONNECTION", 100, "Messages over one connection before another one is made."
)
