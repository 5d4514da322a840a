"""Rspamd, ClamAV and milters that are asked about mail that comes in."""

from mailhost.settings.source import env

env.section("Checkers")
RSPAMD = env.text(
    "MAILHOST_RSPAMD",
    "",
    "Rspamd, which is asked about mail that comes in: `http://HOST:11333` (its normal worker), `https://HOST:PORT` or "
    "`unix:/PATH`. Empty, here and below: nobody is asked.",
)
RSPAMD_AWAY = env.text(
    "MAILHOST_RSPAMD_AWAY",
    "accept",
    "Where Rspamd does not answer: `accept` goes on without it, and the verdict says so; `defer` has the message "
    "brought again (451 4.3.0). Other checks look for junk as well.",
)
RSPAMD_MAX_MESSAGE_OCTETS = env.octets(
    "MAILHOST_RSPAMD_MAX_MESSAGE",
    "20M",
    "Rspamd is not asked about larger messages: junk is small. Its own max_message is 50M.",
)
CLAMD = env.text(
    "MAILHOST_CLAMD",
    "",
    "clamd of ClamAV, which is asked whether mail that comes in carries a virus: `HOST:3310` or `unix:/PATH`.",
)
CLAMD_AWAY = env.text(
    "MAILHOST_CLAMD_AWAY",
    "defer",
    "Where clamd does not answer or fails: `defer` or `accept`, as above. With `defer`, a message that is too large "
    "for it is refused for good (552 5.3.4): brought again it would be as large.",
)
CLAMD_MAX_MESSAGE_OCTETS = env.octets(
    "MAILHOST_CLAMD_MAX_MESSAGE",
    "100M",
    "Messages beyond this are too large for clamd, and are not sent to it: no more than its StreamMaxLength (100M; 25M "
    "before ClamAV 1.0).",
)
MILTERS = env.words(
    "MAILHOST_MILTERS",
    (),
    "Milters (mail filters of sendmail and Postfix) that are asked about mail that comes in, one after the other: "
    "`NAME=SOCKET` or `SOCKET`, which is `HOST:PORT` or `unix:/PATH`. Reasons that people see call it by its name.",
)
MILTERS_AWAY = env.text(
    "MAILHOST_MILTERS_AWAY",
    "defer",
    "Where a milter does not answer: `defer` or `accept`, as above.",
)
CHECKER_SECONDS = env.seconds(
    "MAILHOST_CHECKER_TIMEOUT",
    20,
    "How long each of them may take for a message; all are asked beside each other and beside DNS. A milter that says "
    "that it is at work gets as much again each time.",
)
CHECKER_LONGEST_SECONDS = env.seconds(
    "MAILHOST_CHECKER_LONGEST",
    240,
    "How long all milters may take together, whatever they say: clients wait 10 minutes (RFC 5321 section 4.5.3.2.6).",
)
CHECKER_CONNECTIONS = env.integer(
    "MAILHOST_CHECKER_CONNECTIONS",
    10,
    "Connections of one SMTP process to each of them; more messages wait their turn, which counts as their time. clamd "
    "looks at MaxThreads (10) at once, and queues the rest.",
    minimum=1,
)
