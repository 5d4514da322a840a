"""The keys that sign for a domain now, decrypted once in a process."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from domains import dkim_keys
from domains.models import DkimAlgorithm, DkimKey
from mailhost.net.database import cursor
from mailhost.net.secrets_at_rest import CannotDecrypt
from mailhost.protocols.dkim import PrivateKey
from mailhost.protocols.dmarc.public_suffixes import registrable_domain

MAX_KEYS: Final = 1_000  # decrypted ones

ACTIVE_KEYS: Final = b"""
SELECT domain.name, key.id, key.selector, key.algorithm
  FROM domains_domain domain
  LEFT JOIN domains_dkimkey key ON key.domain_id = domain.id AND key.state = 'active'
 WHERE domain.name = ANY(%s)
"""


@dataclass(frozen=True, slots=True)
class Signed:
    """fields: to put in front. note: what was signed, or why nothing was."""

    fields: bytes
    note: str


@dataclass(frozen=True, slots=True)
class ActiveKey:
    """One that signs; the private key is asked for when it does."""

    key_id: int
    domain: str
    selector: str
    algorithm: str

    def load(self) -> PrivateKey:
        """Raises CannotDecrypt."""
        return _private_key(self.key_id)


def active_keys(author: str) -> tuple[str, list[ActiveKey]]:
    """The hosted domain that signs for this one ("" where there is none), and its active keys, RSA first."""
    with cursor() as sql:
        rows = sql.execute(ACTIVE_KEYS, (_domains_above(author),)).fetchall()
    domain = max((row[0] for row in rows), key=len, default="")
    keys = [
        ActiveKey(key_id, name, selector, algorithm)
        for name, key_id, selector, algorithm in rows
        if name == domain and key_id is not None
    ]
    return domain, sorted(keys, key=lambda key: key.algorithm != DkimAlgorithm.RSA)


def _domains_above(author: str) -> list[str]:
    """The domain and those above it, up to where the organization's begins: nobody signs for others (RFC 9989)."""
    top = registrable_domain(author) or author
    names = [author]
    while names[-1] != top and "." in names[-1]:
        names.append(names[-1].partition(".")[2])
    return names


@lru_cache(maxsize=MAX_KEYS)
def _private_key(key_id: int) -> PrivateKey:
    key = DkimKey.objects.filter(pk=key_id).first()
    if key is None:
        raise CannotDecrypt("It was removed just now.")
    return dkim_keys.private_key(key)
