"""What hands a message in, and what is said of it."""

import base64
from datetime import datetime
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from delivery.submission.handing_in import MAX_RECIPIENTS, HandedIn
from mailhost.api.problems import AddressRefused
from mailhost.api.schemas import MAX_DISPLAY_NAME, Change, Described, Moment, printable
from mailhost.protocols.addresses import MAX_ADDRESS_OCTETS, AddressSyntaxError, EmailAddress
from mailhost.protocols.message.reading import Correspondent

MAX_ATTACHMENTS: Final = 100
MAX_SUBJECT: Final = 2_000  # characters
MAX_REFERENCES: Final = 100

Text = Annotated[str, AfterValidator(printable)]


def decoded(text: object) -> bytes:
    """Of base64; blanks and line ends do not count, and nothing else may stand in it."""
    if not isinstance(text, str):
        raise ValueError("it is text")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ValueError("it is not base64") from error


Octets = Annotated[
    bytes, BeforeValidator(decoded), WithJsonSchema({"type": "string", "contentEncoding": "base64"})
]


class MailboxBody(Change):
    """An address, and the name beside it."""

    address: str = Field(max_length=4 * MAX_ADDRESS_OCTETS, examples=["bob@example.net"])
    name: Text = Field("", max_length=MAX_DISPLAY_NAME, examples=["Bob Keller"])

    def parsed(self, field: str) -> EmailAddress:
        """Raises AddressRefused."""
        return parsed(self.address, field)

    @property
    def correspondent(self) -> Correspondent:
        """As a header says it."""
        return Correspondent(self.name, self.address)


class AttachmentBody(Change):
    """A file that goes with the message."""

    filename: Text = Field(max_length=255, examples=["plan.pdf"])
    content_type: Text = Field("application/octet-stream", max_length=200, examples=["application/pdf"])
    content: Octets = Field(description="In base64.", examples=["UGxhbg=="])


class MessageBody(Change):
    """A message to be sent: put together here from its parts, or whole in `raw`."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    from_: MailboxBody | None = Field(
        None,
        alias="from",
        description="As whom: an address that the account may send as. Left out: its own. Not with `raw`.",
    )
    to: list[MailboxBody] = Field(
        default_factory=list, max_length=MAX_RECIPIENTS, description="Not with `raw`."
    )
    cc: list[MailboxBody] = Field(
        default_factory=list, max_length=MAX_RECIPIENTS, description="Not with `raw`."
    )
    bcc: list[MailboxBody] = Field(
        default_factory=list,
        max_length=MAX_RECIPIENTS,
        description="Recipients that the message does not name. Not with `raw`.",
    )
    subject: str = Field("", max_length=MAX_SUBJECT, description="Not with `raw`.")
    text: str = Field("", description="Plain text. Not with `raw`.")
    html: str = Field("", description="The same as HTML, or in its place. Not with `raw`.")
    in_reply_to: str = Field(
        "", max_length=1_000, description="The Message-ID that it answers. Not with `raw`."
    )
    references: list[str] = Field(
        default_factory=list, max_length=MAX_REFERENCES, description="Message-IDs (RFC 5322). Not with `raw`."
    )
    attachments: list[AttachmentBody] = Field(
        default_factory=list, max_length=MAX_ATTACHMENTS, description="Not with `raw`."
    )
    raw: Octets | None = Field(
        None,
        description="A whole message (RFC 5322) in base64, with a From that the account may send as. Date and "
        "Message-ID are added where they are missing, and Bcc is taken out.",
    )
    recipients: list[str] = Field(
        default_factory=list,
        max_length=MAX_RECIPIENTS,
        description="Addresses that a message in `raw` goes to, whatever its header says. With `raw` alone.",
    )
    release_at: Moment | None = Field(
        None,
        strict=False,
        description="With its zone: it waits until then, and can be taken back. Left out: it leaves at once, or "
        "after the account's time to undo.",
    )


class HandedInBody(Described):
    """What became of it."""

    message_id: str = Field(
        description="Its Message-ID: ask `/delivery-status` with it.", examples=["<1@mail.example.org>"]
    )
    id: int | None = Field(
        description="Its number in the queue, and in `/waiting`; null: all of it is delivered here."
    )
    release_at: datetime | None = Field(description="When it leaves; null: it has left.")
    is_held: bool = Field(description="An operator is to look at it first.")

    @classmethod
    def of(cls, handed_in: HandedIn) -> "HandedInBody":
        """As it is told."""
        return cls(
            message_id=handed_in.message_id,
            id=handed_in.queued_id,
            release_at=handed_in.release_at,
            is_held=handed_in.is_held,
        )


def parsed(text: str, field: str) -> EmailAddress:
    """Raises AddressRefused."""
    try:
        return EmailAddress.parse(text)
    except AddressSyntaxError as error:
        raise AddressRefused(text, error, field=field) from error
