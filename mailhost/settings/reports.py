"""Reports on DMARC and TLS that other domains ask for."""

from mailhost.settings.source import env

env.section("Reports to other domains")
DMARC_REPORTS = env.boolean(
    "MAILHOST_DMARC_REPORTS",
    False,
    "Domains whose DMARC record asks for aggregate reports (`rua`) are told each day what came in their name (RFC "
    "9990): from which addresses, whether SPF and DKIM authenticate it, and what was done. Nothing about recipients.",
)
DMARC_REPORTS_ORGANIZATION = env.text(
    "MAILHOST_DMARC_REPORTS_ORGANIZATION",
    "",
    "Who reports, in the words of people. Empty: `MAILHOST_HOSTNAME`.",
)
DMARC_REPORTS_CONTACT = env.text(
    "MAILHOST_DMARC_REPORTS_CONTACT",
    "",
    "The address that reports come from, and that their readers may ask. Empty: postmaster at `MAILHOST_HOSTNAME`. SPF "
    "has to let this host send for its domain: a report that is not authentic itself is worth nothing (RFC 9990).",
)
DMARC_REPORTS_PER_DAY = env.integer(
    "MAILHOST_DMARC_REPORTS_PER_DAY",
    1_000,
    "Domains that are reported to about one day, those with most messages first.",
    minimum=1,
)
DMARC_REPORTS_MAX_OCTETS = env.octets(
    "MAILHOST_DMARC_REPORTS_MAX",
    "5M",
    "The largest report, packed; what there is of fewest messages is left out of a larger one, and that is told.",
)
DMARC_REPORTS_DAYS = env.integer(
    "MAILHOST_DMARC_REPORTS_DAYS",
    14,
    "How long what was counted and what was sent is kept, for looking back at.",
    minimum=2,
)
TLS_REPORTS = env.boolean(
    "MAILHOST_TLS_REPORTS",
    False,
    "Domains that ask for TLS reports (`_smtp._tls`) are told each day how connections to their mail servers went (RFC "
    "8460): how many were encrypted as their policy (DANE, MTA-STS) wants it, and what failed. Nothing about messages.",
)
TLS_REPORTS_CONTACT = env.text(
    "MAILHOST_TLS_REPORTS_CONTACT",
    "",
    "The address that TLS reports come from, and that their readers may ask. Empty: as for DMARC reports. Its domain "
    "has to be hosted here and to have an active DKIM key: reports by mail that are not signed are ignored (RFC 8460), "
    "so that none is sent then.",
)
TLS_REPORTS_PER_DAY = env.integer(
    "MAILHOST_TLS_REPORTS_PER_DAY",
    1_000,
    "Domains that are reported to about one day, those with most connections first.",
    minimum=1,
)
TLS_REPORTS_MAX_OCTETS = env.octets(
    "MAILHOST_TLS_REPORTS_MAX",
    "1M",
    "The largest TLS report, packed; failures of fewest connections are left out of a larger one.",
)
TLS_REPORTS_DAYS = env.integer(
    "MAILHOST_TLS_REPORTS_DAYS",
    14,
    "How long what was counted and what was sent is kept, for looking back at.",
    minimum=2,
)
