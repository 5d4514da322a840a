"""Django's settings, read from the environment (docs/settings.md is made from the declarations here)."""

import ipaddress
import os
import secrets
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from mailhost.environment import Environment, SettingInvalid, read_dot_env
from mailhost.protocols.smtp.future_release import MAX_INTERVAL_SECONDS

BASE = Path(__file__).resolve().parent.parent
env = Environment(values={**read_dot_env(BASE / ".env"), **os.environ})

# --- Where things are ---------------------------------------------------------------------------------------------
env.section("Where things are")
VAR = env.path("MAILHOST_VAR", BASE / "var", "Data, sockets, keys and logs of this instance.", shown="var")
DATABASE_URL = env.text(
    "DATABASE_URL",
    "",
    "`postgres://user:password@host:port/name`. Empty: `./run` starts an embedded Postgres of its own under `var/`.",
)
REDIS_URL = env.text(
    "REDIS_URL",
    "",
    "`redis://host:port/0`, or `unix:///path` for a socket. Empty: `./run` starts an embedded Valkey of its own.",
)
HOSTNAME = env.text(
    "MAILHOST_HOSTNAME",
    "localhost",
    "The name this host has in DNS: the greeting of SMTP, Received fields, Message-IDs, links.",
)
DISK_PATH = env.path(
    "MAILHOST_DISK_PATH", VAR, "The disk that is watched: put it where Postgres keeps its data.", shown="var"
)
DISK_RESERVE_OCTETS = env.octets(
    "MAILHOST_DISK_RESERVE",
    "512M",
    "With less than this free, mail is refused for now (452 4.3.1): Postgres needs room to go on.",
)

# --- Listening ----------------------------------------------------------------------------------------------------
env.section("Listening")
BIND = env.text("MAILHOST_BIND", "0.0.0.0", "The address all servers listen on; `./run` sets 127.0.0.1.")
PORT_OFFSET = env.integer(
    "MAILHOST_PORT_OFFSET", 0, "Added to every port, to run several instances side by side.", minimum=-65_535
)
STANDARD_PORTS = {
    "smtp": 25,
    "submission": 587,
    "submissions": 465,
    "imap": 143,
    "imaps": 993,
    "pop3": 110,
    "pop3s": 995,
    "managesieve": 4190,
    "web": 8000,
}
PORTS = {
    name: PORT_OFFSET + env.integer(f"MAILHOST_PORT_{name.upper()}", port, f"The port of {name}.")
    for name, port in STANDARD_PORTS.items()
}
for _name, _port in PORTS.items():
    if not 0 <= _port <= 65_535:
        raise SettingInvalid(
            f"MAILHOST_PORT_{_name.upper()} and MAILHOST_PORT_OFFSET make {_port}: ports end at 65535."
        )
TLS_CERT = env.path(
    "MAILHOST_TLS_CERT",
    VAR / "tls" / "cert.pem",
    "Certificate chain in PEM; re-read when it changes.",
    shown="var/tls/cert.pem",
)
TLS_KEY = env.path("MAILHOST_TLS_KEY", VAR / "tls" / "key.pem", "Its private key.", shown="var/tls/key.pem")
ALLOW_PLAINTEXT_LOGIN = env.boolean(
    "MAILHOST_ALLOW_PLAINTEXT_LOGIN",
    False,
    "Lets clients on loopback sign in without TLS, for trying things out. `./run` sets it. No other address ever may.",
)
TRUSTED_NETWORKS = env.networks(
    "MAILHOST_TRUSTED_NETWORKS",
    (),
    "Exempt from connection limits and slowed logins; never from relay rules, AUTH or content checks. "
    "`./run` sets loopback.",
)
PROXY_NETWORKS = env.networks(
    "MAILHOST_PROXY_NETWORKS",
    (),
    "Balancers in front of the mail ports that begin each connection with a PROXY header (version 1 or 2), and are "
    "taken at their word about who the client is. Every connection from there must have one.",
)
STORE_THREADS = env.integer(
    "MAILHOST_STORE_THREADS",
    8,
    "Threads (each with one database connection) in each protocol process; sessions share them.",
    minimum=1,
)

# --- Relaying -----------------------------------------------------------------------------------------------------
env.section("Relaying")
RELAY = env.text(
    "MAILHOST_RELAY",
    "direct",
    "`direct` (to each domain's MX), `smarthost:HOST:PORT`, or `capture`: nothing leaves the machine and what would "
    "have left is kept for the admin to show. `./run` sets `capture`.",
)
RELAY_PORT = env.integer(
    "MAILHOST_RELAY_PORT", 25, "The port of other hosts; another one only to try relaying out."
)
RELAY_TO_PRIVATE = env.boolean(
    "MAILHOST_RELAY_TO_PRIVATE",
    False,
    "Allows relaying to private and loopback addresses, which a stranger's MX could otherwise point at.",
)
OWN_ADDRESSES = env.networks(
    "MAILHOST_OWN_ADDRESSES",
    (),
    "The addresses at which others reach this host, also those of a router in front of it: a stranger's MX record "
    "that leads there is a loop, and is not followed.",
)
RESOLVER = env.text(
    "MAILHOST_RESOLVER", "", "`ADDRESS:PORT` of a DNS server to ask instead of the system's resolvers."
)
MTA_STS = env.boolean(
    "MAILHOST_MTA_STS",
    True,
    "Mail to domains with an MTA-STS policy goes as that asks. Policies are fetched by HTTPS from their web servers: "
    "switch it off where nothing may go out to port 443.",
)
RESOLVER_IS_BELIEVED = env.boolean(
    "MAILHOST_RESOLVER_IS_BELIEVED",
    False,
    "The DNS server validates (DNSSEC), and nobody can be between it and this host: DANE goes by what it says. "
    "A DNS server on this machine is believed without.",
)

# --- The queue ----------------------------------------------------------------------------------------------------
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

# --- Web ----------------------------------------------------------------------------------------------------------
env.section("Web")
DEBUG = env.boolean("MAILHOST_DEBUG", False, "Django's debug pages. Never on a host that others reach.")
ALLOWED_HOSTS = list(
    env.words(
        "MAILHOST_ALLOWED_HOSTS",
        ("localhost", "127.0.0.1", "[::1]"),
        "Names the web server answers to, besides `MAILHOST_HOSTNAME`.",
    )
)
CSRF_TRUSTED_ORIGINS = list(
    env.words(
        "MAILHOST_TRUSTED_ORIGINS", (), "Origins such as `https://mail.example.org` behind a TLS proxy."
    )
)
HTTPS = env.boolean(
    "MAILHOST_HTTPS",
    True,
    "Web pages are reached by https only (by a proxy that sets X-Forwarded-Proto): secure cookies, redirects, HSTS. "
    "`./run` turns it off, as it serves plain http on loopback.",
)
PUBLIC_URL = env.origin(
    "MAILHOST_PUBLIC_URL",
    "Where people reach the web pages, such as `https://mail.example.org:8443`, for links in mail. Empty: made of "
    "`MAILHOST_HOSTNAME`, with the port where `MAILHOST_HTTPS` is off.",
)
WEB_CONNECTIONS = env.integer(
    "MAILHOST_WEB_CONNECTIONS",
    10,
    "Database connections of the web server; requests beyond that wait their turn.",
    minimum=1,
)


def kept_secret(given: str, name: str) -> str:
    """What was given, or a secret made once and kept in var/ (mode 0600)."""
    if given:
        return given
    path = VAR / name
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{name}")  # mode 0600 from the start
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(made, path)  # does nothing where another process was first
        except FileExistsError:
            pass
        os.unlink(made)
    return path.read_text().strip()


SECRET_KEY = kept_secret(
    env.text(
        "MAILHOST_SECRET_KEY", "", "Signs sessions and links. Empty: made once, kept in `var/secret_key`."
    ),
    "secret_key",
)
for name in (HOSTNAME, urlsplit(PUBLIC_URL).hostname):
    if name and name not in ALLOWED_HOSTS:
        ALLOWED_HOSTS.append(f"[{name}]" if ":" in name else name)
if PUBLIC_URL and PUBLIC_URL not in CSRF_TRUSTED_ORIGINS:
    CSRF_TRUSTED_ORIGINS.append(PUBLIC_URL)

# --- Signing ------------------------------------------------------------------------------------------------------
env.section("Signing")
KEY_SECRET = kept_secret(
    env.text(
        "MAILHOST_KEY_SECRET",
        "",
        "Encrypts the private keys of DKIM in the database, and signs SRS addresses. Empty: made once, kept in "
        "`var/key_secret`; every process, on every machine, needs the same one, and so does a restored backup.",
    ),
    "key_secret",
)
OLD_KEY_SECRETS = env.words(
    "MAILHOST_OLD_KEY_SECRETS",
    (),
    "Secrets from before: what they encrypted or signed is still read, and within minutes encrypted anew. One may go "
    "when SRS addresses made with it have expired.",
)
DKIM_AUTOMATIC = env.boolean(
    "MAILHOST_DKIM_AUTOMATIC",
    True,
    "Domains get DKIM keys by themselves, and new ones when those are old. Off: only when somebody asks for them.",
)
DKIM_ROTATION_SECONDS = env.seconds(
    "MAILHOST_DKIM_ROTATION",
    180 * 86_400,
    "The age at which a DKIM key gets a successor, which signs from when its record is seen in DNS; 0: never.",
)
DKIM_OVERLAP_SECONDS = env.seconds(
    "MAILHOST_DKIM_OVERLAP",
    14 * 86_400,
    "How long the record of a replaced key has to stay: mail signed with it may wait five days at each host on its "
    "way, and be checked when it is fetched. Then the private key is wiped.",
)
SRS_DAYS = env.integer(
    "MAILHOST_SRS_DAYS",
    21,
    "How long bounces to a rewritten reverse-path (SRS) lead back to the sender; queues and notices take some days.",
    minimum=1,
)

# --- Accounts and sign-in -----------------------------------------------------------------------------------------
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

# --- The store ----------------------------------------------------------------------------------------------------
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

# --- Bans ---------------------------------------------------------------------------------------------------------
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

# --- Filters ------------------------------------------------------------------------------------------------------
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

# --- Reports to other domains ---------------------------------------------------------------------------------------
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

# --- Checkers -----------------------------------------------------------------------------------------------------
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

# --- Submission ---------------------------------------------------------------------------------------------------
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

# --- The guard of port 25 --------------------------------------------------------------------------------------------
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

# --- SMTP ---------------------------------------------------------------------------------------------------------
env.section("SMTP")
SMTP_PROCESSES = env.integer(
    "MAILHOST_SMTP_PROCESSES",
    2,
    "Processes that take mail under `./run`: one keeps a core busy with some 1,500 messages a second. "
    "`serve_smtp` is one process; several may share its ports.",
    minimum=1,
)
SMTP_MAX_CONNECTIONS = env.integer(
    "MAILHOST_SMTP_MAX_CONNECTIONS",
    20_000,
    "Connections of one process at once to port 25, and as many to 465 and 587 together. "
    "Far more than mail needs: whoever opens thousands and says nothing keeps nobody out.",
)
SMTP_MAX_CONNECTIONS_PER_ADDRESS = env.integer(
    "MAILHOST_SMTP_MAX_CONNECTIONS_PER_ADDRESS",
    50,
    "Of these from one address (IPv6: one /64), so that no single one can take them all.",
)
SMTP_TIMEOUT_SECONDS = env.seconds(
    "MAILHOST_SMTP_TIMEOUT",
    300,
    "How long a client may take for its next command or block of data; RFC 5321 section 4.5.3.2.7 asks for 5 minutes.",
)
SMTP_MAX_RECIPIENTS = env.integer(
    "MAILHOST_SMTP_MAX_RECIPIENTS",
    1_000,
    "Recipients in one transaction; RFC 5321 section 4.5.3.1.8 asks for at least 100. More get 452 4.5.3.",
)
SMTP_MAX_REFUSED_RECIPIENTS = env.integer(
    "MAILHOST_SMTP_MAX_REFUSED_RECIPIENTS",
    100,
    "Unknown recipients in one session before it ends: whoever asks for more is collecting addresses.",
)
SMTP_MAX_BAD_COMMANDS = env.integer(
    "MAILHOST_SMTP_MAX_BAD_COMMANDS",
    20,
    "Commands refused for their form or place in one session before it ends.",
)
SMTP_MAX_IDLE_COMMANDS = env.integer(
    "MAILHOST_SMTP_MAX_IDLE_COMMANDS",
    100,
    "NOOP, RSET, VRFY, HELP and EHLO since the last message before the session ends: they keep a connection "
    "for nothing.",
)
SMTP_MAX_LOGIN_FAILURES = env.integer(
    "MAILHOST_SMTP_MAX_LOGIN_FAILURES",
    3,
    "Failed AUTH commands in one session before it ends; a new one is slowed as the account and the address are.",
)
SMTP_MAX_RECEIVED = env.integer(
    "MAILHOST_SMTP_MAX_RECEIVED",
    100,
    "Received fields in a message that make it a loop; RFC 5321 section 6.3 asks for at least 100.",
)
SMTP_MAX_HEADER_FIELDS = env.integer(
    "MAILHOST_SMTP_MAX_HEADER_FIELDS", 2_000, "Header fields in a message; real ones stay below 300."
)
SMTP_MAX_LINE_OCTETS = env.octets(
    "MAILHOST_SMTP_MAX_LINE",
    "1M",
    "The longest line in a message. RFC 5322 allows 998 octets, but programs send HTML as one line.",
)
SMTP_CONFIRM_DELIVERY = env.boolean(
    "MAILHOST_SMTP_CONFIRM_DELIVERY",
    True,
    "Strangers who ask for it (NOTIFY=SUCCESS) are told that a message was delivered. Off, only our own accounts are: "
    "a forged reverse-path then cannot make this host write to somebody.",
)
SMTP_MAX_HEADER_OCTETS = env.octets(
    "MAILHOST_SMTP_MAX_HEADER", "1M", "The longest header of a message; real ones have under 100 KB."
)
SMTP_REFUSE_BARE_LINE_ENDS = env.boolean(
    "MAILHOST_SMTP_REFUSE_BARE_LINE_ENDS",
    False,
    "Refuses messages with a CR or an LF alone (554 5.6.0). Otherwise they are kept as they came: such an octet ends "
    "neither a line of SMTP nor the message, and becomes CRLF where the message is relayed.",
)
SMTP_REFUSE_EARLY_TALKERS = env.boolean(
    "MAILHOST_SMTP_REFUSE_EARLY_TALKERS",
    True,
    "Send clients of port 25 away (554 5.5.1) that speak before the greeting: programs that spread junk do.",
)
SMTP_GREETING_DELAY_SECONDS = env.seconds(
    "MAILHOST_SMTP_GREETING_DELAY",
    0,
    "How long a client of port 25 that is not known yet waits for the greeting, so that more of those show themselves "
    "who would not wait for it; who waited is known for a day.",
)
SMTP_MAX_HELD_OCTETS = env.octets(
    "MAILHOST_SMTP_MAX_HELD",
    "512M",
    "Octets of messages under way that one SMTP process keeps in memory; beyond it new ones get 452 4.3.1.",
)

LMTP_PORT = env.integer(
    "MAILHOST_PORT_LMTP",
    0,
    "The port of LMTP (RFC 2033), for who keeps another front before this host; 0: none. MAILHOST_PORT_OFFSET is not "
    "added.",
)
LMTP_NETWORKS = env.networks(
    "MAILHOST_LMTP_NETWORKS",
    (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")),
    "Who may use LMTP: whatever comes from there was let in by the front.",
)

# --- POP3 ---------------------------------------------------------------------------------------------------------
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

# --- IMAP ---------------------------------------------------------------------------------------------------------
env.section("IMAP")
IMAP_MAX_CONNECTIONS = env.integer(
    "MAILHOST_IMAP_MAX_CONNECTIONS",
    10_000,
    "Connections of one process; an idle one with TLS takes some 50 KB.",
)
IMAP_MAX_CONNECTIONS_PER_ADDRESS = env.integer(
    "MAILHOST_IMAP_MAX_CONNECTIONS_PER_ADDRESS",
    200,
    "From one address (IPv6: /64) at once: clients hold five or more each, and offices share an address.",
)
IMAP_MAX_SESSIONS_PER_ACCOUNT = env.integer(
    "MAILHOST_IMAP_MAX_SESSIONS_PER_ACCOUNT",
    100,
    "Of one account at once, over all processes: a phone, a computer and a webmail hold some twenty together.",
)
IMAP_MAX_LINE_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_LINE",
    "64K",
    "One line of a command. RFC 7162 section 4 asks for 8 KB; clients name thousands of UIDs in one line.",
)
IMAP_MAX_LITERAL_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_LITERAL",
    "64K",
    "A literal in any command but APPEND, whose bound is MAILHOST_MAX_MESSAGE.",
)
IMAP_MAX_APPEND_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_APPEND",
    "100M",
    "All messages of one APPEND together: they are stored all or none, so all are in memory at once.",
)
IMAP_APPEND_ROOM_OCTETS = env.octets(
    "MAILHOST_IMAP_APPEND_ROOM",
    "256M",
    "Messages on their way in over all sessions of the IMAP process, half of it for one account; the next APPEND waits "
    "until others are stored.",
)
IMAP_APPEND_ROOM_SECONDS = env.seconds(
    "MAILHOST_IMAP_APPEND_ROOM_TIMEOUT", 30, "How long an APPEND waits for that room before it is refused."
)
IMAP_MAX_COMMAND_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_COMMAND",
    "1M",
    "All lines and literals of one command together, but for APPEND's message.",
)
IMAP_MAX_ANNOTATION_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_ANNOTATION",
    "32K",
    "One value of METADATA; RFC 5464 section 4.1 asks for 1 KB. Beyond MAILHOST_IMAP_MAX_LITERAL nothing arrives.",
)
IMAP_MAX_ANNOTATIONS = env.integer(
    "MAILHOST_IMAP_MAX_ANNOTATIONS",
    100,
    "Entries of METADATA that one account sees of a mailbox, or of the server; RFC 5464 section 4.1 asks for 10.",
)
IMAP_MAX_ANNOTATIONS_OCTETS = env.octets(
    "MAILHOST_IMAP_MAX_ANNOTATIONS_SIZE",
    "10M",
    "All METADATA of one account together, as it does not count towards its quota.",
)
IMAP_MAX_WATCHED_MAILBOXES = env.integer(
    "MAILHOST_IMAP_MAX_WATCHED_MAILBOXES",
    1_000,
    "Mailboxes that one session watches with NOTIFY: some 1 KB each, and every change in them is looked at.",
)
IMAP_LOGIN_SECONDS = env.seconds(
    "MAILHOST_IMAP_LOGIN_TIMEOUT", 60, "Silence of a client that has not signed in before it is sent away."
)
IMAP_AUTOLOGOUT_SECONDS = env.seconds(
    "MAILHOST_IMAP_AUTOLOGOUT",
    1_800,
    "Silence before autologout; RFC 3501 section 5.4 wants at least 30 minutes.",
)
IMAP_IDLE_NOTICE_SECONDS = env.seconds(
    "MAILHOST_IMAP_IDLE_NOTICE",
    120,
    "How often IDLE says that it is still there: address translators forget silent connections after a few minutes.",
)
IMAP_PROGRESS_SECONDS = env.seconds(
    "MAILHOST_IMAP_PROGRESS",
    5,
    "Between two INPROGRESS responses of a command that takes long (RFC 9585): far below what clients wait.",
)
IMAP_MAX_BAD_COMMANDS = env.integer(
    "MAILHOST_IMAP_MAX_BAD_COMMANDS",
    20,
    "Commands in a row that cannot be understood before the connection closes.",
)
IMAP_MAX_LOGIN_FAILURES = env.integer(
    "MAILHOST_IMAP_MAX_LOGIN_FAILURES", 5, "Wrong passwords on one connection before it closes."
)
IMAP_PROCESSES = env.integer(
    "MAILHOST_IMAP_PROCESSES",
    2,
    "Processes that serve IMAP under `./run`. `serve_imap` is one process; several may share its ports.",
    minimum=1,
)
IMAP_SWITCHED_OFF = env.words(
    "MAILHOST_IMAP_SWITCHED_OFF",
    (),
    "IMAP capabilities that are neither told nor served, to work around a client. With `LITERAL+` here, `LITERAL-` is "
    "told in its place.",
)

# --- Django -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "mailboxes.Account"
AUTHENTICATION_BACKENDS = ["mailboxes.authentication.Backend"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ROOT_URLCONF = "mailhost.urls"
ASGI_APPLICATION = "mailhost.asgi.application"
WSGI_APPLICATION = "mailhost.wsgi.application"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = "mailhost.webmail.formats"  # 24 hours, day before month

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "mailhost.audit",
    "mailhost.bans",
    "mailhost.embedded",
    "mailhost.webmail",
    "domains",
    "mailboxes",
    "delivery",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mailhost.webmail.static_files.StaticFiles",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# What one request may carry: a message's files, and the form around them. Text alone stays small.
MAX_REQUEST_OCTETS = MAX_MESSAGE_OCTETS + (4 << 20)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 << 20
DATA_UPLOAD_MAX_NUMBER_FILES = 100

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE / "static"]
WHITENOISE_USE_FINDERS = True  # served from where they are: no collectstatic before the first start

PASSWORD_HASHERS = ["mailboxes.passwords.Argon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "sign-in"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
if not HTTPS:  # cookies know no ports: instances side by side on one machine would sign each other out
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"sessionid{PORTS['web']}", f"csrftoken{PORTS['web']}"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 14 * 86_400
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # asked by probes inside the host, which speak plain http
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"  # but for the HTML of a letter, which says so itself

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [
            "'self'"
        ],  # no script or style that stands in a page itself: nothing mailed in can be one
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# To stderr, whatever the mode: the supervisor and Docker keep it. Django's own would mail it to nobody.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django": {"handlers": ["stderr"], "level": "INFO", "propagate": False}},
}


def database(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a postgres:// URL; `?host=/folder` names a unix socket's folder."""
    try:
        parts = urlsplit(url)
        is_ours = parts.scheme in {"postgres", "postgresql"} and parts.port != 0
    except ValueError:  # brackets or a port that cannot be
        is_ours = False
    if not is_ours:
        raise SettingInvalid("DATABASE_URL takes postgres://user:password@host:port/name")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(query.pop("port", parts.port or "")),
        # Store threads and request threads live long; a lost connection is found by its first statement.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 3,
            # A connection that died without a word (a machine gone, a cable pulled) is noticed within seconds.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
            # A transaction that hangs must not take all store threads of all processes with it.
            "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
            # For net/database.py's cursors alone: Django's own bind on the client and are never prepared.
            "prepare_threshold": 2,
            **query,
        },
    }


def running_instance(name: str) -> str:
    """A URL that the supervisor wrote for `manage.py` commands beside it; "" where none runs under this VAR."""
    path = VAR / "run" / name
    return path.read_text().strip() if path.is_file() else ""


REDIS_URL = REDIS_URL or running_instance("redis_url")
DATABASES = {"default": database(DATABASE_URL or running_instance("database_url") or "postgres:///mailhost")}


def pooled(entry: dict[str, Any], *, connections: int) -> dict[str, Any]:
    """The same database through psycopg's pool, for the web process (see mailhost/asgi.py)."""
    pool = {
        "min_size": 1,
        "max_size": connections,
        "timeout": 3,  # psycopg would let a page wait half a minute before it says that the database is away
        "reconnect_timeout": 5,  # beyond that the next page tries again by itself
    }
    return {**entry, "CONN_MAX_AGE": 0, "OPTIONS": {**entry["OPTIONS"], "pool": pool}}


POOLED_DATABASE = pooled(DATABASES["default"], connections=WEB_CONNECTIONS)
