"""Who logs in and owns mail."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

MAX_UNDO_SECONDS = 300  # whoever wants more time wants to send later: that is another thing
PROTOCOLS = ("imap", "pop3", "smtp", "web")  # what an account may be kept from


class AccountManager(BaseUserManager["Account"]):
    """Finds accounts by login in any case, as Django's sign-in asks for them."""

    def get_by_natural_key(self, username: str | None) -> "Account":
        """The account of this login; Account.DoesNotExist."""
        return self.get(login=(username or "").casefold())


class Account(AbstractBaseUser):
    """An account. `login` is its full address; an operator need not have a mailbox, and then has no address.

    `scram_*` are the SCRAM-SHA-256 keys of the password (RFC 5802 section 3, RFC 7677): they cannot be made from the
    argon2 hash later, so each password that is set stores them too. Salt and iterations are the account's.
    """

    login = models.TextField(unique=True, help_text="The full address; what people type to sign in.")
    address = models.OneToOneField(
        "domains.Address", on_delete=models.PROTECT, null=True, blank=True, related_name="account"
    )
    display_name = models.TextField(
        blank=True, default="", help_text="Stands beside the address in mail that is sent."
    )
    recovery_email = models.EmailField(
        blank=True, default="", help_text="An address elsewhere, for lost passwords."
    )
    is_enabled = models.BooleanField(
        default=True, help_text="A disabled account takes no mail and no sign-ins."
    )
    is_operator = models.BooleanField(default=False, help_text="Administers the whole host.")
    quota_octets = models.BigIntegerField(
        default=0, help_text="Octets that all its messages may take; 0: no limit."
    )
    quota_messages = models.BigIntegerField(
        default=0, help_text="How many messages it may have in all its mailboxes; 0: no limit."
    )
    closed_protocols = ArrayField(
        models.TextField(),
        default=list,
        blank=True,
        help_text="What it may not sign in to: imap, pop3, smtp, web; separated by commas.",
    )
    imap_switched_off = ArrayField(
        models.TextField(),
        default=list,
        blank=True,
        help_text="IMAP capabilities that are hidden from it, to work around a client; separated by commas.",
    )
    pop3_keeps_copy = models.BooleanField(
        default=False, help_text="What POP3 deletes goes to the Archive mailbox instead."
    )
    undo_seconds = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="So long what it sends waits and can be taken back; at most 300, 0: it leaves at once.",
    )
    junk_score = models.FloatField(
        null=True, blank=True, help_text="From so many points on mail goes to Junk; empty: as its domain."
    )
    quarantine_score = models.FloatField(
        null=True,
        blank=True,
        help_text="From so many points on mail is kept in quarantine; empty: as its domain.",
    )
    refuse_score = models.FloatField(
        null=True, blank=True, help_text="From so many points on mail is refused; empty: as its domain."
    )
    scram_salt = models.BinaryField(default=b"")
    scram_iterations = models.IntegerField(default=0)
    scram_stored_key = models.BinaryField(default=b"")
    scram_server_key = models.BinaryField(default=b"")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "login"
    EMAIL_FIELD = "recovery_email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[AccountManager] = AccountManager()

    class Meta:
        ordering: ClassVar = ["login"]
        # Whoever writes to postmaster asks for the operators: a handful among all accounts.
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(is_operator=True), name="account_operators")
        ]

    def __str__(self) -> str:
        return self.login

    # Django's words, for its admin and sign-in views.

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """May sign in."""
        return self.is_enabled

    @property
    def is_staff(self) -> bool:
        """May enter the admin."""
        return self.is_operator

    @property
    def is_superuser(self) -> bool:
        """Operators may do everything the admin offers."""
        return self.is_operator

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """An enabled operator has every permission; nobody else has any in the admin."""
        return self.is_enabled and self.is_operator

    def has_perms(self, perms: list[str], obj: object = None) -> bool:
        """As has_perm."""
        return self.has_perm("", obj)

    def has_module_perms(self, app_label: str) -> bool:
        """As has_perm."""
        return self.has_perm("")

    def get_short_name(self) -> str:
        """What a greeting says."""
        return self.display_name or self.login


class AccountUsage(models.Model):
    """What an account's messages take: the row that every writing transaction locks first (see store/locks.py)."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="usage")
    octets = models.BigIntegerField(default=0)
    messages = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.octets} octets, {self.messages} messages"
