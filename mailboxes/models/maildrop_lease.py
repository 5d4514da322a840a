"""The exclusive access that a POP3 session has to its maildrop (RFC 1939 section 4)."""

from django.db import models


class MaildropLease(models.Model):
    """Whose session it is, until when: a session that died is waited for no longer. IMAP does not look at it."""

    account = models.OneToOneField(
        "mailboxes.Account", on_delete=models.CASCADE, primary_key=True, related_name="maildrop_lease"
    )
    holder = models.TextField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"until {self.expires_at}"
