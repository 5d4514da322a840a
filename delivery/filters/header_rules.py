"""What headers of junk have in common (RFC 5322 section 3.6), each for a few points: none decides by itself."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from delivery.filters.incoming import MAX_LIST_OCTETS, Incoming, domain_of, shown
from delivery.findings import Finding
from mailhost.protocols.message.address_list import ListedAddress
from mailhost.protocols.message.dates import parse_date
from mailhost.protocols.message.text import decode_words

_ADDRESS_IN_TEXT: Final = re.compile(
    r"[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})"
)
_LETTERS: Final = re.compile(r"[^\W\d_]")
AHEAD: Final = timedelta(hours=24)  # clocks and time zones are wrong by hours, not by days
BEHIND: Final = timedelta(days=30)
SHOUTED_LETTERS: Final = 12  # a subject with fewer letters may be an abbreviation
MAX_WORDS_READ: Final = 2_000  # octets of a From field's names

Rule = Callable[[Incoming, datetime], Iterator[Finding]]


def header_findings(message: Incoming, *, now: datetime) -> list[Finding]:
    """What the rules find, in their order."""
    return [finding for rule in RULES for finding in rule(message, now)]


def _without_required_fields(message: Incoming, now: datetime) -> Iterator[Finding]:
    if not message.values(b"from"):
        yield Finding("header", "no-from", "The message does not say who it is from.", 2.0)
    if not message.values(b"date"):
        yield Finding("header", "no-date", "The message has no date.", 1.0)
    if not message.values(b"message-id"):
        yield Finding("header", "no-message-id", "The message has no Message-ID.", 0.5)
    if not any(message.values(name) for name in (b"to", b"cc", b"bcc")):
        yield Finding("header", "no-recipients", "The message does not say whom it is for.", 0.5)


def _endless_lists(message: Incoming, now: datetime) -> Iterator[Finding]:
    """What is behind the bound is not read, by DMARC neither: who hides something there is no friend."""
    for name, word in ((b"from", "From"), (b"reply-to", "Reply-To")):
        if sum(map(len, message.values(name))) > MAX_LIST_OCTETS:
            yield Finding("header", "endless-list", f"The {word} field is far too long.", 5.0)


def _repeated_fields(message: Incoming, now: datetime) -> Iterator[Finding]:
    """RFC 5322 section 3.6: at most one of each. Readers differ in which one they believe."""
    for name, word in ((b"from", "From"), (b"subject", "Subject"), (b"date", "Date"), (b"to", "To")):
        if len(message.values(name)) > 1:
            yield Finding("header", "repeated", f"The message has several {word} fields.", 1.5)


def _date(message: Incoming, now: datetime) -> Iterator[Finding]:
    values = message.values(b"date")
    sent_at = parse_date(values[0]) if values else None
    if sent_at is None:
        if values:
            yield Finding("header", "date-unreadable", "The date of the message cannot be read.", 1.0)
    elif sent_at > now + AHEAD:
        yield Finding("header", "date-ahead", "The message is dated in the future.", 1.5)
    elif sent_at < now - BEHIND:
        yield Finding("header", "date-behind", "The message is dated over a month ago.", 0.5)


def _name_poses_as_an_address(message: Incoming, now: datetime) -> Iterator[Finding]:
    """`"boss@here.example" <x@elsewhere.example>`: most programs show the name alone."""
    for address in message.addresses(b"from"):
        name = _name(address)
        for found in _ADDRESS_IN_TEXT.finditer(name):
            claimed, real = found[1].lower(), domain_of(address)
            if not _is_same_site(claimed, real):
                text = f"The sender calls itself {shown(found[0])}, but the address is at {shown(real)}."
                poses_as_ours = claimed in message.domains
                yield Finding("header", "name-is-another-address", text, 3.0 if poses_as_ours else 1.5)
                return


def _mixed_scripts(message: Incoming, now: datetime) -> Iterator[Finding]:
    """A domain of ours, or a word, spelled with letters of another alphabet (UTS 39 section 5)."""
    for address in message.addresses(b"from"):
        domain = _to_unicode(domain_of(address))
        if domain.isascii():
            continue
        skeleton = _skeleton(domain)
        if skeleton in message.domains:
            text = f"The sender's domain only looks like {shown(skeleton)}: it is written with other letters."
            yield Finding("header", "look-alike-domain", text, 4.0)
        elif any(len(_scripts(label)) > 1 for label in domain.split(".")):
            text = f"The sender's domain mixes alphabets: {shown(domain)}."
            yield Finding("header", "mixed-alphabets", text, 2.0)


def _answers_go_elsewhere(message: Incoming, now: datetime) -> Iterator[Finding]:
    """From names one of ours and Reply-To an address elsewhere: how invoices are "corrected" by thieves."""
    senders = {domain_of(address) for address in message.addresses(b"from")}
    for address in message.addresses(b"reply-to"):
        domain = domain_of(address)
        if senders & message.domains and domain not in message.domains:
            text = f"It names a sender of this house, and answers would go to {shown(domain)}."
            yield Finding("header", "answers-go-elsewhere", text, 2.5)
            return


def _shouted_subject(message: Incoming, now: datetime) -> Iterator[Finding]:
    if not message.subject[:500].isupper():
        return
    letters = _LETTERS.findall(message.subject[:500])
    if len(letters) >= SHOUTED_LETTERS and all(letter.isupper() for letter in letters):
        yield Finding("header", "shouted-subject", "The subject is in capital letters.", 0.5)


def _raw_octets(message: Incoming, now: datetime) -> Iterator[Finding]:
    """RFC 6532 allows UTF-8 here; octets that are none are an old mailer's, or nobody's."""
    for name in (b"from", b"subject", b"to"):
        for value in message.values(name):
            try:
                value.decode("utf-8")
            except UnicodeDecodeError:
                yield Finding("header", "unreadable-octets", "The header holds octets that are no text.", 1.0)
                return


RULES: Final[tuple[Rule, ...]] = (
    _without_required_fields,
    _endless_lists,
    _repeated_fields,
    _date,
    _name_poses_as_an_address,
    _mixed_scripts,
    _answers_go_elsewhere,
    _shouted_subject,
    _raw_octets,
)


def _name(address: ListedAddress) -> str:
    return decode_words((address.name or b"")[:MAX_WORDS_READ])


def _is_same_site(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _to_unicode(domain: str) -> str:
    """U-labels where they can be had (RFC 5890)."""
    labels = []
    for label in domain.split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if label.startswith("xn--") else label)
        except UnicodeError:
            labels.append(label)
    return ".".join(labels)


# What stands in other alphabets for Latin letters, as people see it.
_LOOK_ALIKES: Final = str.maketrans("аеорсухіјѕһԁԛԝωοαρντικ", "aeopcyxijshdqwwoapvtik")


def _skeleton(text: str) -> str:
    """The text as it looks: accents off, letters of other alphabets as the Latin ones that they look like."""
    plain = unicodedata.normalize("NFKD", text).translate(_LOOK_ALIKES)
    return "".join(each for each in plain if not unicodedata.combining(each))


def _scripts(text: str) -> set[str]:
    """The alphabets that its letters belong to, as their names begin: LATIN, CYRILLIC, GREEK."""
    words = {unicodedata.name(letter, "").partition(" ")[0] for letter in text if letter.isalpha()}
    return words & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}
