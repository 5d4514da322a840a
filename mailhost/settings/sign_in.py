"""Quota of new accounts, and how people sign in."""

from mailhost.settings.source import env

env.section("Accounts and sign-in")
DEFAULT_QUOTA_OCTETS = env.octets(
    "MAILHOST_DEFAULT_QUOTA", "5G", "Quota of an account made without one; 0: none."
)
LOGIN_FREE_FAILURES = env.integer(
    "MAILHOST_LOGIN_FREE_FAILURES",
    3,
    "Wrong passwords in a quarter of an hour that are answered without delay: people mistype.",
)
LOGIN_MAX_FAILURES_PER_ACCOUNT = env.integer(
    "MAILHOST_LOGIN_MAX_FAILURES_PER_ACCOUNT",
    30,
    "Wrong passwords for one account and network in a quarter of an hour before logins are refused unseen.",
)
LOGIN_MAX_FAILURES_PER_ADDRESS = env.integer(
    "MAILHOST_LOGIN_MAX_FAILURES_PER_ADDRESS",
    100,
    "Wrong passwords from one address (IPv6: /64) in a quarter of an hour before logins are refused unseen.",
)
LOGIN_WINDOW_SECONDS = env.integer(
    "MAILHOST_LOGIN_WINDOW", 900, "How long wrong passwords count, in seconds."
)
LOGIN_CACHE_SECONDS = env.seconds(
    "MAILHOST_LOGIN_CACHE",
    300,
    "How long a process remembers that a password was right (as an HMAC), as mail clients sign in all the time.",
)
SASL_MECHANISMS = env.words(
    "MAILHOST_SASL_MECHANISMS",
    ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN", "OAUTHBEARER", "XOAUTH2"),
    "How mail clients may sign in, in the order in which it is told. Leave SCRAM-SHA-256-PLUS out behind a proxy that "
    "ends TLS with a certificate of its own: clients would be bound to that one.",
)
TOKEN_CHECKER = env.text(
    "MAILHOST_TOKEN_CHECKER",
    "",
    "The function that checks bearer tokens, as `package.module.function`: it takes the token and gives the login "
    "that it is for, or None. Empty: OAUTHBEARER and XOAUTH2 are not offered.",
)
