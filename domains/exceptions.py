"""Facts about hosted domains and addresses. Each door words them in its own way."""


class DomainFact(Exception):
    """Something about domains or addresses stands in the way; the text is a sentence for people."""


class DomainNotFound(DomainFact):
    """No such domain is hosted here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The domain {name} is not hosted here.")
        self.name = name


class DomainExists(DomainFact):
    """The domain is hosted already."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The domain {name} is hosted here already.")
        self.name = name


class DomainNotEmpty(DomainFact):
    """The domain has accounts, aliases or domain aliases, which must go first."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The domain {name} still has accounts, aliases or domain aliases. Remove them first."
        )
        self.name = name


class DomainAliasInvalid(DomainFact):
    """A domain alias leads to a domain that is one itself, or a domain with addresses was to become one."""


class InvalidAddress(DomainFact):
    """A text is no address or domain, or not one that can be used so; the message says why."""


class AddressTaken(DomainFact):
    """An account or alias has this address already."""

    def __init__(self, email: str) -> None:
        super().__init__(f"The address {email} is taken already.")
        self.email = email


class AddressNotFound(DomainFact):
    """The domain is hosted here, and nobody has this address."""

    def __init__(self, email: str) -> None:
        super().__init__(f"There is no address {email}.")
        self.email = email


class AliasNotFound(DomainFact):
    """There is no such alias."""

    def __init__(self, email: str) -> None:
        super().__init__(f"There is no alias {email}.")
        self.email = email


class TooManyTargets(DomainFact):
    """An alias leads, with the aliases it leads to, to more targets than one message may have."""


class ScoreInvalid(DomainFact):
    """A number of points out of bounds; the text says which, `field` whose."""

    def __init__(self, text: str, *, field: str) -> None:
        super().__init__(text)
        self.field = field


class DkimKeyNotFound(DomainFact):
    """The domain has no key with this selector."""

    def __init__(self, selector: str) -> None:
        super().__init__(f"There is no DKIM key {selector}.")
        self.selector = selector


class DkimKeyInState(DomainFact):
    """A key is in a state in which that cannot be done; the text says why."""
