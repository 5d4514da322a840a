"""Bounds of the message store, its search index and what it learns."""

from mailhost.settings.source import env

env.section("The store")
MAX_MESSAGE_OCTETS = env.octets("MAILHOST_MAX_MESSAGE", "50M", "The largest message taken by any door.")
MAX_MAILBOXES = env.integer(
    "MAILHOST_MAX_MAILBOXES", 10_000, "Mailboxes of one account: LIST answers with all of them at once."
)
MAX_MAILBOX_NAME = env.integer(
    "MAILHOST_MAX_MAILBOX_NAME", 1_000, "Characters of a mailbox's full name, all levels together."
)
MAX_GRANTS = env.integer(
    "MAILHOST_MAX_GRANTS",
    1_000,
    "Accounts that one mailbox is shared with: GETACL answers with all of them at once.",
)
SHARE_WITH_ANYONE = env.boolean(
    "MAILHOST_SHARE_WITH_ANYONE",
    False,
    "People may share a mailbox with everybody who signs in here (the identifier anyone of RFC 4314). For a family or "
    "a company: among strangers anybody could put names into everybody's list.",
)
MAX_KEYWORDS = env.integer("MAILHOST_MAX_KEYWORDS", 64, "Keywords on one message; clients use a handful.")
MAX_MIME_DEPTH = env.integer(
    "MAILHOST_MAX_MIME_DEPTH",
    100,
    "Levels of MIME parts that a message's structure tells; real mail nests under 10, and clients follow by recursion. "
    "What is deeper is told as one part.",
)
MAX_MIME_PARTS = env.integer(
    "MAILHOST_MAX_MIME_PARTS",
    1_000,
    "Parts that a message's structure tells; more are of no use to any client. The rest is told as one part.",
)
EXPUNGED_RETENTION_SECONDS = env.integer(
    "MAILHOST_EXPUNGED_RETENTION",
    14 * 86_400,
    "How long expunged messages are kept for taking back, in seconds.",
)
SEARCH_CACHE_OCTETS = env.octets(
    "MAILHOST_SEARCH_CACHE",
    "64M",
    "Octets of the search index that each process keeps at hand for whoever searches again.",
)
SEARCH_INDEX_TICK_SECONDS = env.seconds(
    "MAILHOST_SEARCH_INDEX_TICK",
    2,
    "How often a worker looks for messages that are not in the search index yet; half of that time it works on them.",
)
JUNK_LEARNING_TICK_SECONDS = env.seconds(
    "MAILHOST_JUNK_LEARNING_TICK",
    5,
    "How often a worker learns from messages that people moved into Junk or out of it; half of that time at most.",
)
MAX_SENDER_RULES = env.integer(
    "MAILHOST_MAX_SENDER_RULES",
    1000,
    "Senders that an account may let in or refuse; each delivery looks among them.",
)
WRITE_BATCH_OCTETS = env.octets(
    "MAILHOST_WRITE_BATCH", "16M", "Octets of messages that one commit takes together at the most."
)
