"""The account's side of SCRAM (RFC 5802): the keys that were stored with the password, and the brakes on wrong proofs.

Nobody learns whether a login exists: salt and iterations of one that does not are made up, and stay the same.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from django.conf import settings

from mailboxes.accounts import MAX_LOGIN_CHARACTERS, SCRAM_ITERATIONS, SCRAM_SALT_OCTETS
from mailboxes.authentication import FIND, Brakes, Principal, find_row, principal_of
from mailboxes.exceptions import AuthenticationFailed
from mailboxes.logins import canonical_login
from mailhost.protocols.scram import ScramKeys

FIND_WITH_KEYS = FIND.replace(
    "account.pop3_keeps_copy",
    "account.pop3_keeps_copy, account.scram_salt, account.scram_iterations, account.scram_stored_key, "
    "account.scram_server_key",
)
KEY_OCTETS = 32


@dataclass(frozen=True, slots=True)
class ScramAccount:
    """Who signs in where the proof is right; `principal` is None where no proof is."""

    keys: ScramKeys
    principal: Principal | None


def find_scram_account(*, login: str, peer: str, protocol: str) -> ScramAccount:
    """The keys that the proof is held against: one statement. Raises TooManyFailures."""
    login = canonical_login(login[:MAX_LOGIN_CHARACTERS])
    Brakes(login, peer).refuse_if_too_many()
    row = find_row(FIND_WITH_KEYS, login)
    if row is None or len(row[12]) != KEY_OCTETS:
        return ScramAccount(_made_up(login), None)
    salt, iterations, stored_key, server_key = row[10:]
    keys = ScramKeys(bytes(salt), iterations, bytes(stored_key), bytes(server_key))
    return ScramAccount(keys, principal_of(row, protocol=protocol))


def count_failure(*, login: str, peer: str) -> AuthenticationFailed:
    """Counts a wrong proof as a wrong password; what the door is to raise after its wait."""
    return Brakes(canonical_login(login[:MAX_LOGIN_CHARACTERS]), peer).failed()


def _made_up(login: str) -> ScramKeys:
    secret = hashlib.sha256(b"scram salt\0" + settings.SECRET_KEY.encode()).digest()
    salt = hmac.digest(secret, login.encode(errors="surrogatepass"), "sha256")[:SCRAM_SALT_OCTETS]
    return ScramKeys(salt, SCRAM_ITERATIONS, secrets.token_bytes(KEY_OCTETS), secrets.token_bytes(KEY_OCTETS))
