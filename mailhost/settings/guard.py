"""DNS lists, greylisting and rates at port 25."""

from mailhost.settings.source import env

env.section("The guard of port 25")
DNS_BLOCK_LISTS = env.words(
    "MAILHOST_DNS_BLOCK_LISTS",
    (),
    "DNS lists (RFC 5782) that are asked about each client: `DOMAIN` (3 points), `DOMAIN=POINTS`, or `DOMAIN=refuse` "
    "(550 at RCPT, except for postmaster). None unless you name them: their terms are between you and them.",
)
DNS_ALLOW_LISTS = env.words(
    "MAILHOST_DNS_ALLOW_LISTS",
    (),
    "The same for lists of good clients: the points (3) are taken off, and who is on one is neither greylisted nor "
    "refused for a block list.",
)
DNS_LIST_SECONDS = env.seconds(
    "MAILHOST_DNS_LIST_TIMEOUT",
    2,
    "All DNS lists share this time, while the client says who it is; one that has not answered by then says nothing.",
)
GREYLISTING = env.boolean(
    "MAILHOST_GREYLISTING",
    True,
    "Mail that nothing vouches for (no SPF or DKIM pass, a client without a name, or on a block list) is to be "
    "brought again: 451 4.7.1. Never from trusted networks, nor from those that have brought mail again before.",
)
GREYLIST_DELAY_SECONDS = env.seconds(
    "MAILHOST_GREYLIST_DELAY",
    120,
    "How much later it is taken; RFC 6647 section 5 asks for a minute at least. Mail servers come back in 1 to 30.",
)
SMTP_CONNECTIONS_PER_MINUTE = env.integer(
    "MAILHOST_SMTP_CONNECTIONS_PER_MINUTE",
    300,
    "New connections to port 25 from one address (IPv6: /64) before it gets 421. 0, here and below: no limit.",
)
SMTP_MESSAGES_PER_MINUTE = env.integer(
    "MAILHOST_SMTP_MESSAGES_PER_MINUTE",
    1_200,
    "Messages from one address before MAIL gets 450: more than large senders bring from one machine.",
)
SMTP_MESSAGES_PER_MINUTE_OF_NETWORK = env.integer(
    "MAILHOST_SMTP_MESSAGES_PER_MINUTE_OF_NETWORK",
    3_000,
    "The same for a whole network (IPv4: /24, IPv6: /48).",
)
SMTP_MESSAGES_PER_MINUTE_FROM = env.integer(
    "MAILHOST_SMTP_MESSAGES_PER_MINUTE_FROM",
    1_200,
    "The same for one reverse-path, from wherever it comes; the null one has no limit, as bounces are everybody's.",
)
SMTP_RECIPIENTS_PER_MINUTE = env.integer(
    "MAILHOST_SMTP_RECIPIENTS_PER_MINUTE",
    6_000,
    "Recipients that one address may name before RCPT gets 450.",
)
SMTP_REFUSED_RECIPIENTS_PER_HOUR = env.integer(
    "MAILHOST_SMTP_REFUSED_RECIPIENTS_PER_HOUR",
    300,
    "Unknown recipients that one address may name, in all sessions, before each further one ends its session.",
)
SMTP_TARPIT_SECONDS = env.seconds(
    "MAILHOST_SMTP_TARPIT",
    5,
    "The longest that a reply about an unknown recipient is held back: half a second more for each, from the sixth in "
    "an hour on. 0: none. More would keep connections of ours for theirs.",
)
