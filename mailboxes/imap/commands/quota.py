"""GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208 section 4.1): one root for all mailboxes of an account, named ""."""

from mailboxes.imap.refusals import Refused
from mailboxes.imap.session import Session
from mailboxes.store.quota import read_quota
from mailboxes.store.rights import PREFIX
from mailhost.net.store_threads import in_store
from mailhost.protocols.imap.quota import (
    GetQuota,
    GetQuotaRoot,
    Resource,
    SetQuota,
    quota_response,
    storage,
)
from mailhost.protocols.imap.responses import Reply, ok

ROOT = b""


async def get_quota(session: Session, command: GetQuota) -> Reply:
    _require_root(command.root)
    session.write(await _quota(session))
    return ok("")


async def get_quota_root(session: Session, command: GetQuotaRoot) -> Reply:
    """For any name, there is such a mailbox or not (section 4.1.2). What others use is theirs alone to know."""
    name = session.wire_name(command.name)
    if command.name.startswith(PREFIX):
        session.write(b"* QUOTAROOT %b\r\n" % name)
        return ok("")
    session.write(b'* QUOTAROOT %b ""\r\n' % name + await _quota(session))
    return ok("")


async def set_quota(session: Session, command: SetQuota) -> Reply:
    """QUOTASET is not told: limits are set in the administration, where that is written down."""
    _require_root(command.root)
    raise Refused("Limits are set by the operators of this host.", "NOPERM")


def _require_root(root: bytes) -> None:
    if root != ROOT:
        raise Refused("There is no such quota root.", "NONEXISTENT")


async def _quota(session: Session) -> bytes:
    quota = await in_store(read_quota, account_id=session.account_id)
    resources = []
    if quota.quota_octets and "QUOTA=RES-STORAGE" not in session.switched_off:
        resources.append(storage(quota.octets, quota.quota_octets))
    if quota.quota_messages and "QUOTA=RES-MESSAGE" not in session.switched_off:
        resources.append(Resource("MESSAGE", quota.messages, quota.quota_messages))
    return quota_response(ROOT, resources)
