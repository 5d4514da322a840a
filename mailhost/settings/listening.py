"""The mail and web ports, TLS on them, and the networks that are treated differently there."""

from mailhost.environment import SettingInvalid
from mailhost.settings.places import VAR
from mailhost.settings.source import env

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
