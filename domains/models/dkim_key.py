"""A key that a domain's mail is signed with (RFC 6376)."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class DkimAlgorithm(models.TextChoices):
    """k= of the record (RFC 6376 section 3.6.1, RFC 8463 section 4)."""

    RSA = "rsa", "RSA"
    ED25519 = "ed25519", "Ed25519"


class DkimState(models.TextChoices):
    """PENDING: waits for its record in DNS. ACTIVE: signs. RETIRING: signs no more, but mail that it signed is on its
    way, so the record has to stay. RETIRED: the private key is wiped, and the record may go.
    """

    PENDING = "pending"
    ACTIVE = "active"
    RETIRING = "retiring"
    RETIRED = "retired"


class DkimKey(models.Model):
    """The record is at `selector`._domainkey.domain. `private_key` is PKCS #8 in DER, encrypted
    (mailhost.net.secrets_at_rest), and empty once retired; `public_key` is p= of the record.

    `seen_at`: when the record was first seen; `checked_at` and `check_note`: the last look, "" where it was right.
    """

    domain = models.ForeignKey("domains.Domain", on_delete=models.CASCADE, related_name="dkim_keys")
    selector = models.TextField()
    algorithm = models.TextField(choices=DkimAlgorithm.choices)
    state = models.TextField(choices=DkimState.choices, default=DkimState.PENDING)
    private_key = models.BinaryField(default=b"")
    public_key = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    check_note = models.TextField(default="", blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    retiring_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "DKIM key"
        ordering: ClassVar = ["domain__name", "-created_at", "-algorithm"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "selector"], name="dkim_selector_once"),
            models.UniqueConstraint(
                fields=["domain", "algorithm"],
                condition=models.Q(state="active"),
                name="dkim_one_active_of_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.selector}._domainkey.{self.domain.name}"

    @property
    def purpose(self) -> str:
        """What the private key was encrypted for."""
        return f"dkim {self.domain_id} {self.selector}"

    @property
    def record(self) -> str:
        """The TXT record to publish (RFC 6376 section 3.6.1)."""
        return f"v=DKIM1; k={self.algorithm}; p={self.public_key}"
