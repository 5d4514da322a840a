"""What accounts and domains may send, now or later."""

from mailhost.environment import SettingInvalid
from mailhost.protocols.smtp.future_release import MAX_INTERVAL_SECONDS
from mailhost.settings.source import env

env.section("Submission")
ACCOUNT_MESSAGES_PER_HOUR = env.integer(
    "MAILHOST_ACCOUNT_MESSAGES_PER_HOUR",
    200,
    "Messages that one account may send in an hour: people write far less, a stolen password is used for far "
    "more. An account can have a limit of its own. 0: no limit.",
)
ACCOUNT_MESSAGES_PER_DAY = env.integer(
    "MAILHOST_ACCOUNT_MESSAGES_PER_DAY",
    1_000,
    "The same in a day (UTC). 0: no limit.",
)
ACCOUNT_RECIPIENTS_PER_HOUR = env.integer(
    "MAILHOST_ACCOUNT_RECIPIENTS_PER_HOUR",
    500,
    "Recipients of all these messages in an hour: one message may have many. 0: no limit.",
)
ACCOUNT_RECIPIENTS_PER_DAY = env.integer(
    "MAILHOST_ACCOUNT_RECIPIENTS_PER_DAY",
    2_000,
    "The same in a day. 0: no limit.",
)
ACCOUNT_FIRST_PER_HOUR = env.integer(
    "MAILHOST_ACCOUNT_FIRST_RECIPIENTS_PER_HOUR",
    100,
    "Recipients in an hour to whom the account never wrote before: what tells a stolen account from a busy "
    "one. 0: no limit.",
)
ACCOUNT_FIRST_PER_DAY = env.integer(
    "MAILHOST_ACCOUNT_FIRST_RECIPIENTS_PER_DAY",
    300,
    "The same in a day. 0: no limit.",
)
DOMAIN_MESSAGES_PER_HOUR = env.integer(
    "MAILHOST_DOMAIN_MESSAGES_PER_HOUR",
    2_000,
    "Messages that all accounts of one domain may send in an hour: for many accounts that are stolen at once. "
    "0: no limit.",
)
DOMAIN_MESSAGES_PER_DAY = env.integer(
    "MAILHOST_DOMAIN_MESSAGES_PER_DAY",
    10_000,
    "The same in a day. 0: no limit.",
)
DOMAIN_RECIPIENTS_PER_HOUR = env.integer(
    "MAILHOST_DOMAIN_RECIPIENTS_PER_HOUR",
    5_000,
    "Recipients of a domain's messages in an hour. 0: no limit.",
)
DOMAIN_RECIPIENTS_PER_DAY = env.integer(
    "MAILHOST_DOMAIN_RECIPIENTS_PER_DAY",
    20_000,
    "The same in a day. 0: no limit.",
)
DOMAIN_FIRST_PER_HOUR = env.integer(
    "MAILHOST_DOMAIN_FIRST_RECIPIENTS_PER_HOUR",
    1_000,
    "First-time recipients of a domain's accounts in an hour. 0: no limit.",
)
DOMAIN_FIRST_PER_DAY = env.integer(
    "MAILHOST_DOMAIN_FIRST_RECIPIENTS_PER_DAY",
    3_000,
    "The same in a day. 0: no limit.",
)
HIJACK_FIRST_RECIPIENTS = env.integer(
    "MAILHOST_HIJACK_FIRST_RECIPIENTS",
    40,
    "First-time recipients of an account in an hour from which on it looks hijacked, if it also sends from so "
    "many networks as the next setting says. What it sends is then held until an operator has looked. 0: "
    "nothing is held.",
)
HIJACK_NETWORKS = env.integer(
    "MAILHOST_HIJACK_NETWORKS",
    5,
    "Networks (IPv4 /16, IPv6 /32) from which an account sends in a day before it looks hijacked: home, "
    "office, phone and a journey are four.",
    minimum=1,
)
FUTURE_RELEASE_MAX_SECONDS = env.seconds(
    "MAILHOST_FUTURE_RELEASE_MAX",
    30 * 86_400,
    "How long a message may wait at most that its sender wants to leave later (RFC 4865, and webmail); 0: sending "
    "later is not offered.",
)
if not 0 <= FUTURE_RELEASE_MAX_SECONDS <= MAX_INTERVAL_SECONDS:
    raise SettingInvalid(
        f"MAILHOST_FUTURE_RELEASE_MAX is {FUTURE_RELEASE_MAX_SECONDS:.15g}: RFC 4865 has nine digits for it."
    )
IDEMPOTENCY_KEY_SECONDS = env.seconds(
    "MAILHOST_IDEMPOTENCY_KEYS",
    86_400,
    "How long the API knows a message again that is handed in once more with the same Idempotency-Key.",
)
API_MESSAGE_OCTETS = env.octets(
    "MAILHOST_API_MESSAGE",
    "20M",
    "The largest request that hands a message in by the API. It is held in memory several times over, with what is in "
    "base64; larger messages go by SMTP.",
)
WAITING_OCTETS_PER_ACCOUNT = env.octets(
    "MAILHOST_WAITING_PER_ACCOUNT",
    "1G",
    "How much of an account's mail may wait for later at a time; it counts against no quota.",
)
MAX_KNOWN_RECIPIENTS = env.integer(
    "MAILHOST_MAX_KNOWN_RECIPIENTS",
    10_000,
    "Recipients remembered for each account; the oldest are forgotten, and are first-time ones again.",
    minimum=1,
)
