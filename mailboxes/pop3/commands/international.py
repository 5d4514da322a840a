"""UTF8 and LANG (RFC 6856 sections 2.1 and 3.2)."""

from mailboxes.pop3.session import Session
from mailhost.protocols.pop3.commands import Lang, Utf8
from mailhost.protocols.pop3.replies import err, listing, ok

# All that we say is English, which is what the default of RFC 2277 section 4.5 is, too.
LANGUAGES = {"en": "English", "i-default": "English"}


async def utf8(session: Session, command: Utf8) -> None:
    """From here on headers go out as they are stored."""
    session.has_utf8 = True
    await session.send(ok("UTF8 enabled."))


async def lang(session: Session, command: Lang) -> None:
    """The languages there are, or the one to speak: "en" is found for "en-GB" too (RFC 4647 section 3.4)."""
    if command.tag is None:
        lines = (f"{tag} {name}" for tag, name in LANGUAGES.items())
        await session.send_all(listing(ok("Languages follow."), lines))
        return
    wanted = "i-default" if command.tag == "*" else command.tag.lower()
    tag = wanted if wanted in LANGUAGES else wanted.partition("-")[0]
    if tag not in LANGUAGES:
        await session.send(err("There is no such language here."))
        return
    await session.send(ok(f"{tag} {LANGUAGES[tag]} it is."))
