"""What goes in and out as JSON. Fields that are left out of a PUT stay as they are."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from django.db.models import BigIntegerField
from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from domains.aliases import MAX_TARGETS
from domains.models import Alias, Domain
from mailboxes.accounts import MAX_PASSWORD_CHARACTERS
from mailboxes.models import Account, DomainAdministrator
from mailboxes.models.account import MAX_UNDO_SECONDS
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS, EmailAddress, quote_local_part
from mailhost.protocols.imap.capabilities import SWITCHES

MAX_DISPLAY_NAME: Final = (
    200  # characters; a header line with it stays far below 998 octets (RFC 5322 section 2.1.1)
)
MAX_QUOTA_OCTETS: Final = BigIntegerField.MAX_BIGINT
MAX_QUOTA_MESSAGES: Final = BigIntegerField.MAX_BIGINT


def left_out() -> Any:
    """The default of a field that may be left out: it is never looked at (see Change.given)."""
    return None


def printable(text: str) -> str:
    """Refuses control characters: line ends would break header fields, and Postgres stores no NUL."""
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        raise ValueError("control characters cannot be part of it")
    return text


def in_utc(moment: datetime) -> datetime:
    """Postgres takes offsets below 16 hours; RFC 3339 section 5.6 has some of nearly 24. What then is before the first
    year, or after the last one, is the nearest moment that there is.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC) if moment.year == 1 else datetime.max.replace(tzinfo=UTC)


Moment = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""With its zone."""


def capability(word: str) -> str:
    """Refuses what is no IMAP capability that can be switched off."""
    if word not in SWITCHES:
        raise ValueError("it is no IMAP capability that can be switched off")
    return word


class Described(Schema):
    """A schema whose title and description come from the class."""


class Change(Described):
    """What a PUT carries. Unknown fields and other types than those described are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return self.model_dump(exclude_unset=True)


def threshold(description: str) -> Any:
    """A number of points that may be left out; its bounds are the verb's."""
    return Field(default_factory=left_out, description=f"{description} null: as above it.", examples=[5.0])


class Thresholds(Change):
    """From how many points on mail is junk."""

    junk_score: float | None = threshold("From so many points on mail goes to Junk.")
    quarantine_score: float | None = threshold("From so many points on mail is held back; 0: never.")
    refuse_score: float | None = threshold("From so many points on mail is refused; 0: never.")


class DomainChange(Thresholds):
    """A domain, as it is to be."""

    is_enabled: bool = Field(
        default_factory=left_out, description="A disabled domain takes no mail. New: true."
    )
    alias_of: Annotated[str, Field(max_length=MAX_ADDRESS_OCTETS)] | None = Field(
        default_factory=left_out,
        description="Another hosted domain, whose addresses then work here too; null for a domain of its own.",
        examples=["example.org"],
    )


class AccountChange(Thresholds):
    """An account, as it is to be."""

    password: Annotated[str, Field(min_length=1, max_length=MAX_PASSWORD_CHARACTERS)] = Field(
        default_factory=left_out,
        description="Needed for a new account; never told again.",
        json_schema_extra={"writeOnly": True, "format": "password"},
    )
    quota_octets: Annotated[int, Field(ge=0, le=MAX_QUOTA_OCTETS)] = Field(
        default_factory=left_out,
        description="Octets that all messages may take; 0: no limit. New: the host's default.",
        examples=[5 << 30],
    )
    quota_messages: Annotated[int, Field(ge=0, le=MAX_QUOTA_MESSAGES)] = Field(
        default_factory=left_out, description="How many messages it may have; 0: no limit. New: 0."
    )
    is_enabled: bool = Field(
        default_factory=left_out, description="A disabled account takes no mail and no sign-ins. New: true."
    )
    display_name: Annotated[str, Field(max_length=MAX_DISPLAY_NAME), AfterValidator(printable)] = Field(
        default_factory=left_out,
        description="Stands beside the address in mail that is sent. New: empty.",
        examples=["Alice Arnold"],
    )

    closed_protocols: list[Literal["imap", "pop3", "smtp", "web"]] = Field(
        default_factory=left_out,
        max_length=10,
        description="What it may not sign in to: the whole list. New: none.",
        examples=[["pop3"]],
    )
    imap_switched_off: list[Annotated[str, AfterValidator(capability)]] = Field(
        default_factory=left_out,
        max_length=100,
        description="IMAP capabilities that are hidden from it, to work around a client: the whole list. New: none.",
        examples=[["QRESYNC"]],
    )
    pop3_keeps_copy: bool = Field(
        default_factory=left_out,
        description="What POP3 deletes goes to the mailbox Archive instead. New: false.",
    )
    undo_seconds: Annotated[int, Field(ge=0, le=MAX_UNDO_SECONDS)] = Field(
        default_factory=left_out,
        description="So long what it sends waits and can be taken back; 0: it leaves at once. New: 0.",
        examples=[10],
    )


class AliasChange(Change):
    """An alias, as it is to be."""

    targets: list[Annotated[str, Field(max_length=4 * MAX_ADDRESS_OCTETS)]] = Field(
        min_length=1,
        max_length=MAX_TARGETS,
        description="Addresses, here or elsewhere, that get its mail: the whole list.",
        examples=[["alice@example.org", "bob@example.net"]],
    )
    is_enabled: bool = Field(
        default_factory=left_out, description="A disabled alias refuses its mail. New: true."
    )


class DomainBody(Described):
    """A hosted domain."""

    name: str = Field(description="In A-labels, lower case (RFC 5890).", examples=["example.org"])
    is_enabled: bool
    alias_of: str | None = Field(
        description="The domain whose addresses work here too, if this is a domain alias."
    )
    junk_score: float | None = Field(description="null: as the host has it.")
    quarantine_score: float | None = Field(description="null: as the host has it; 0: never for points.")
    refuse_score: float | None = Field(description="null: as the host has it; 0: never for points.")
    created_at: datetime

    @classmethod
    def of(cls, domain: Domain) -> "DomainBody":
        """From the row; `alias_of` should be loaded."""
        return cls(
            name=domain.name,
            is_enabled=domain.is_enabled,
            alias_of=domain.alias_of.name if domain.alias_of else None,
            junk_score=domain.junk_score,
            quarantine_score=domain.quarantine_score,
            refuse_score=domain.refuse_score,
            created_at=domain.created_at,
        )


class Usage(Described):
    """What an account's messages take."""

    octets: int
    messages: int


class AccountBody(Described):
    """An account: who signs in and owns mail."""

    address: str = Field(
        description="The full address; what people type to sign in.", examples=["alice@example.org"]
    )
    local_part: str = Field(description="The part before the @, as in the path.", examples=["alice"])
    domain: str = Field(examples=["example.org"])
    display_name: str
    is_enabled: bool
    quota_octets: int = Field(description="0: no limit.")
    quota_messages: int = Field(description="0: no limit.")
    closed_protocols: list[str] = Field(description="What it may not sign in to.", examples=[["pop3"]])
    imap_switched_off: list[str] = Field(
        description="IMAP capabilities that are hidden from it.", examples=[["QRESYNC"]]
    )
    pop3_keeps_copy: bool = Field(description="What POP3 deletes goes to the mailbox Archive instead.")
    undo_seconds: int = Field(description="So long what it sends can be taken back.", examples=[10])
    junk_score: float | None = Field(description="null: as its domain has it.")
    quarantine_score: float | None = Field(description="null: as its domain has it; 0: never for points.")
    refuse_score: float | None = Field(description="null: as its domain has it; 0: never for points.")
    usage: Usage
    created_at: datetime

    @classmethod
    def of(cls, account: Account) -> "AccountBody":
        """From the row; `address__domain` and `usage` should be loaded."""
        assert account.address is not None  # the API shows accounts under their domains only
        address = EmailAddress(account.address.local_part, account.address.domain.name)
        return cls(
            address=str(address),
            local_part=quote_local_part(address.local_part),
            domain=address.domain,
            display_name=account.display_name,
            is_enabled=account.is_enabled,
            quota_octets=account.quota_octets,
            quota_messages=account.quota_messages,
            closed_protocols=account.closed_protocols,
            imap_switched_off=account.imap_switched_off,
            pop3_keeps_copy=account.pop3_keeps_copy,
            undo_seconds=account.undo_seconds,
            junk_score=account.junk_score,
            quarantine_score=account.quarantine_score,
            refuse_score=account.refuse_score,
            usage=Usage(octets=account.usage.octets, messages=account.usage.messages),
            created_at=account.created_at,
        )


class AliasBody(Described):
    """An address that leads to others."""

    address: str = Field(examples=["sales@example.org"])
    local_part: str = Field(description="`*`: the catch-all, for every address that nobody else has.")
    domain: str = Field(examples=["example.org"])
    targets: list[str]
    is_enabled: bool
    created_at: datetime

    @classmethod
    def of(cls, alias: Alias) -> "AliasBody":
        """From the row; `address__domain` and `targets` should be loaded."""
        address = EmailAddress(alias.address.local_part, alias.address.domain.name)
        return cls(
            address=str(address),
            local_part=quote_local_part(address.local_part),
            domain=address.domain,
            targets=[target.email for target in alias.targets.all()],
            is_enabled=alias.is_enabled,
            created_at=alias.created_at,
        )


class AdministratorBody(Described):
    """An account that administers a domain."""

    login: str = Field(description="What it signs in as.", examples=["alice@example.org"])
    domain: str = Field(description="With the domain aliases that lead to it.", examples=["example.org"])
    is_enabled: bool = Field(description="A disabled account administers nothing meanwhile.")
    since: datetime

    @classmethod
    def of(cls, row: DomainAdministrator) -> "AdministratorBody":
        """From the row; `account` and `domain` should be loaded."""
        return cls(
            login=row.account.login,
            domain=row.domain.name,
            is_enabled=row.account.is_enabled,
            since=row.since,
        )


class Page(Described):
    """One page of a list."""

    next_cursor: str | None = Field(description="Give it as `cursor` to get the next page; null on the last.")


class DomainPage(Page):
    """Domains by name."""

    items: list[DomainBody]


class AccountPage(Page):
    """Accounts of one domain by local part."""

    items: list[AccountBody]


class AliasPage(Page):
    """Aliases of one domain by local part."""

    items: list[AliasBody]


class AdministratorPage(Page):
    """Administrators of one domain by login."""

    items: list[AdministratorBody]
