"""The POP3 commands, and which function does which."""

from collections.abc import Awaitable, Callable
from typing import Any

from mailboxes.pop3.commands.capa import capa
from mailboxes.pop3.commands.international import lang, utf8
from mailboxes.pop3.commands.listing import list_, stat, uidl
from mailboxes.pop3.commands.marking import dele, noop, rset
from mailboxes.pop3.commands.quit import quit_
from mailboxes.pop3.commands.retrieve import retr, top
from mailboxes.pop3.commands.sign_in import auth, pass_, user
from mailboxes.pop3.commands.stls import stls
from mailhost.protocols.pop3 import commands as parsed

COMMANDS: dict[type[parsed.Command], Callable[[Any, Any], Awaitable[None]]] = {
    parsed.Capa: capa,
    parsed.Stls: stls,
    parsed.User: user,
    parsed.Pass: pass_,
    parsed.Auth: auth,
    parsed.Utf8: utf8,
    parsed.Lang: lang,
    parsed.Stat: stat,
    parsed.List: list_,
    parsed.Uidl: uidl,
    parsed.Retr: retr,
    parsed.Top: top,
    parsed.Dele: dele,
    parsed.Rset: rset,
    parsed.Noop: noop,
    parsed.Quit: quit_,
}
