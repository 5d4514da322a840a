"""Facts that the verbs of bans state; each is a sentence."""


class BanFact(Exception):
    """Why nothing was banned, or nothing lifted."""


class NetworkInvalid(BanFact):
    """The text is no address and no network, or too many addresses at once."""


class NetworkTrusted(BanFact):
    """The network overlaps MAILHOST_TRUSTED_NETWORKS: whoever bans those shuts themselves out."""

    def __init__(self, network: object, trusted: object) -> None:
        super().__init__(f"{network} overlaps {trusted}, which MAILHOST_TRUSTED_NETWORKS trusts.")


class NotBanned(BanFact):
    """There is no such ban."""

    def __init__(self, network: object) -> None:
        super().__init__(f"{network} is not banned.")
