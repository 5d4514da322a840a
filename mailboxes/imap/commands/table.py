"""Which function runs which command. When it is legal stands with the command's value."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from mailboxes.imap.commands.append import append
from mailboxes.imap.commands.authenticate import authenticate
from mailboxes.imap.commands.cancel_update import cancel_update
from mailboxes.imap.commands.capability import capability
from mailboxes.imap.commands.close import close
from mailboxes.imap.commands.compress import compress
from mailboxes.imap.commands.copy import copy
from mailboxes.imap.commands.create import create
from mailboxes.imap.commands.delete import delete
from mailboxes.imap.commands.enable import enable
from mailboxes.imap.commands.expunge import expunge
from mailboxes.imap.commands.fetch import fetch
from mailboxes.imap.commands.get_acl import get_acl
from mailboxes.imap.commands.identify import identify
from mailboxes.imap.commands.idle import idle
from mailboxes.imap.commands.list import list_
from mailboxes.imap.commands.list_rights import list_rights
from mailboxes.imap.commands.login import login
from mailboxes.imap.commands.logout import logout
from mailboxes.imap.commands.lsub import lsub
from mailboxes.imap.commands.metadata import get_metadata, set_metadata
from mailboxes.imap.commands.move import move
from mailboxes.imap.commands.multisearch import multisearch
from mailboxes.imap.commands.my_rights import my_rights
from mailboxes.imap.commands.namespace import namespace
from mailboxes.imap.commands.noop import noop
from mailboxes.imap.commands.notify import notify
from mailboxes.imap.commands.quota import get_quota, get_quota_root, set_quota
from mailboxes.imap.commands.rename import rename
from mailboxes.imap.commands.replace import replace
from mailboxes.imap.commands.search import search
from mailboxes.imap.commands.select import select
from mailboxes.imap.commands.set_acl import delete_acl, set_acl
from mailboxes.imap.commands.sort import sort
from mailboxes.imap.commands.start_tls import start_tls
from mailboxes.imap.commands.status import status
from mailboxes.imap.commands.store import store
from mailboxes.imap.commands.subscribe import subscribe
from mailboxes.imap.commands.thread import thread
from mailboxes.imap.commands.unauthenticate import unauthenticate
from mailboxes.imap.commands.unselect import unselect
from mailboxes.imap.session import Session
from mailhost.protocols.imap import acl
from mailhost.protocols.imap import commands as c
from mailhost.protocols.imap.appending import Append, Replace
from mailhost.protocols.imap.compressing import Compress
from mailhost.protocols.imap.contexts import CancelUpdate
from mailhost.protocols.imap.enabling import Enable, Unauthenticate
from mailhost.protocols.imap.metadata import GetMetadata, SetMetadata
from mailhost.protocols.imap.multisearch import MultiSearch
from mailhost.protocols.imap.notify import Notify
from mailhost.protocols.imap.quota import GetQuota, GetQuotaRoot, SetQuota
from mailhost.protocols.imap.responses import Reply
from mailhost.protocols.imap.sorting import Sort, Thread

# The second parameter is the command's own class; its entry here is what pairs the two.
Run = Callable[[Session, Any], Awaitable[Reply | None]]

COMMANDS: Mapping[type[c.Command], Run] = {
    acl.DeleteAcl: delete_acl,
    acl.GetAcl: get_acl,
    acl.ListRights: list_rights,
    acl.MyRights: my_rights,
    acl.SetAcl: set_acl,
    Append: append,
    Replace: replace,
    c.Authenticate: authenticate,
    c.Capability: capability,
    c.Check: noop,
    c.Close: close,
    c.Copy: copy,
    c.Create: create,
    c.Delete: delete,
    c.Expunge: expunge,
    c.Fetch: fetch,
    c.Id: identify,
    c.Idle: idle,
    c.List: list_,
    c.Login: login,
    c.Logout: logout,
    c.Lsub: lsub,
    c.Move: move,
    c.Namespace: namespace,
    c.Noop: noop,
    Notify: notify,
    GetMetadata: get_metadata,
    SetMetadata: set_metadata,
    GetQuota: get_quota,
    GetQuotaRoot: get_quota_root,
    SetQuota: set_quota,
    c.Rename: rename,
    c.Search: search,
    c.Select: select,
    c.StartTls: start_tls,
    c.Status: status,
    c.Store: store,
    c.Subscribe: subscribe,
    c.Unselect: unselect,
    Compress: compress,
    Enable: enable,
    Unauthenticate: unauthenticate,
    CancelUpdate: cancel_update,
    MultiSearch: multisearch,
    Sort: sort,
    Thread: thread,
}
