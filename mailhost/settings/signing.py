"""What signs and encrypts: the secret of keys, DKIM, SRS."""

from mailhost.settings.kept_secret import kept_secret
from mailhost.settings.source import env

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
