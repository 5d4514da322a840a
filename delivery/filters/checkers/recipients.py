"""Forward-paths that a milter refuses, as findings for the accounts that they lead to."""

from collections.abc import Mapping
from dataclasses import dataclass

from delivery.findings import Finding


@dataclass(frozen=True, slots=True)
class Leads:
    """Where a forward-path leads: accounts here, and whether somewhere else as well."""

    account_ids: tuple[int, ...]
    is_elsewhere: bool = False


def refusing_accounts(
    refused: Mapping[str, Finding], leads: Mapping[str, Leads]
) -> tuple[tuple[Finding, ...], dict[int, Finding]]:
    """What refuses the message for everybody, and what refuses it for single accounts.

    An account that another forward-path leads to has it by that one. What leads elsewhere can be held in nobody's
    quarantine: there the sender has to be told, of all recipients at once (RFC 5321 section 4.2.5).
    """
    everybody = tuple(
        finding for path, finding in refused.items() if path in leads and leads[path].is_elsewhere
    )
    served = {
        account_id for path, lead in leads.items() if path not in refused for account_id in lead.account_ids
    }
    accounts: dict[int, Finding] = {}
    for path, finding in refused.items():
        for account_id in leads[path].account_ids if path in leads else ():
            if account_id not in served:
                accounts.setdefault(account_id, finding)
    return everybody, accounts
