"""A message as signatures see it."""

from collections.abc import Iterator

from mailhost.protocols.dkim.message import Field, SignedMessage, read_signed_message

OCTETS = b"To: bob@x.test\r\nFrom: a@x.test\r\nFrom: b@x.test\r\n\r\nHello.\r\n"


class Interrupted(list[Field]):
    """Fields of a message that another thread asks for one while they are gone through."""

    message: SignedMessage
    found: int | None = None

    def __iter__(self) -> Iterator[Field]:
        for number, each in enumerate(super().__iter__()):
            yield each
            if number == 0 and self.found is None:
                self.found = 0
                self.found = len(self.message.named(b"from"))


def test_who_asks_while_another_does_finds_every_field_once() -> None:
    """A From that is overlooked lets a signature pass that does not cover it (RFC 6376 section 8.15)."""
    read = read_signed_message(OCTETS)
    fields = Interrupted(read.fields)
    fields.message = SignedMessage(read.octets, fields, read.body_start, is_too_large=False)
    assert [each.value for each in fields.message.named(b"from")] == [b" a@x.test\r\n", b" b@x.test\r\n"]
    assert fields.found == 2
    assert len(fields.message.named(b"from")) == 2
