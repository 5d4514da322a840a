"""Password hashes: argon2id at 19 MiB, two passes, one lane (OWASP's minimum; about 34 ms).

Django's own parameters take 100 MiB and up to half a second for each login, which a mail host's many logins cannot
afford; app passwords with 128 random bits need no slow hash at all.
"""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """Django's argon2id hasher with this host's parameters."""

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
