"""What is done with junk, and how long it is known why."""

from mailhost.settings.source import env

env.section("Filters")
CLASSIFIER = env.boolean(
    "MAILHOST_CLASSIFIER",
    True,
    "Ask the words of a message whether it is junk, by what people have taught (docs/spam.md); "
    "costs more than all other checks together.",
)
JUNK_SCORE = env.integer(
    "MAILHOST_JUNK_SCORE",
    5,
    "From so many points on a message goes to Junk. Domains and accounts may have numbers of their own.",
    minimum=1,
)
QUARANTINE_SCORE = env.integer(
    "MAILHOST_QUARANTINE_SCORE",
    0,
    "From so many points on a message is held in quarantine, where its recipient can have it; 0: never for points.",
)
REFUSE_SCORE = env.integer(
    "MAILHOST_REFUSE_SCORE",
    15,
    "From so many points on a message is refused while its sender still waits; 0: never for points.",
)
QUARANTINE_DAYS = env.integer(
    "MAILHOST_QUARANTINE_DAYS",
    30,
    "How long a quarantined message can be had before it is removed.",
    minimum=1,
)
QUARANTINE_DIGEST = env.boolean(
    "MAILHOST_QUARANTINE_DIGEST",
    True,
    "Accounts get a message that lists what is newly held in their quarantine, at most one a day.",
)
VERDICT_DAYS = env.integer(
    "MAILHOST_VERDICT_DAYS", 90, "How long it can be seen why a message came where it is.", minimum=1
)
TRACE_DAYS = env.integer(
    "MAILHOST_TRACE_DAYS",
    14,
    "How long it can be found what became of each message. What is older is dropped day by day. 0: of what is brought "
    "here nothing is noted, and of what leaves only the tries of the day.",
)
TRACE_SUBJECTS = env.boolean(
    "MAILHOST_TRACE_SUBJECTS",
    False,
    "Keep each message's subject in the trace, so that messages are found by words of it. Off: a subject is read by "
    "those whose message it is, and an operator or administrator who looks for a message need not know it.",
)
FILTER_DNS_SECONDS = env.seconds(
    "MAILHOST_FILTER_DNS_TIMEOUT",
    5,
    "All DNS questions about one message share this time; what is not answered by then is a temporary error.",
)
TRUSTED_SEALERS = env.words(
    "MAILHOST_TRUSTED_SEALERS",
    (),
    "Domains whose ARC seals are believed: what they say they have found excuses a DMARC failure (RFC 8617).",
)
KNOWN_LISTS = env.words(
    "MAILHOST_KNOWN_LISTS",
    (),
    "Domains of mailing lists: a DKIM signature of theirs excuses a DMARC failure of those who write there.",
)
