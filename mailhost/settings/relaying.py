"""How mail leaves for other hosts."""

from mailhost.settings.source import env

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
