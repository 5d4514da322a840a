"""What is known of junk and wanted mail: see mailboxes/junk and mailboxes/store/lessons.py.

`scope` is an account's id, or SITE for what all accounts have taught together. It is no foreign key: most rows belong
to no account, and what an account has taught goes with a sweep once it is gone.
"""

from typing import ClassVar

from django.db import models
from django.db.models import Q

SITE = 0


class Lesson(models.Model):
    """What somebody has said of a content. It is learned once in each scope, and unlearned before the opposite is.

    `learned_as_junk` and `hashes` (64-bit numbers) are what the counts hold of it; NULL: nothing. `content_id` is no
    foreign key, because a lesson shall not keep a message from being removed.
    """

    pk = models.CompositePrimaryKey("scope", "content_id")
    scope = models.BigIntegerField()
    content_id = models.BigIntegerField()
    is_junk = models.BooleanField()
    is_waiting = models.BooleanField(default=True)
    learned_as_junk = models.BooleanField(null=True)
    hashes = models.BinaryField(default=b"")
    noted_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["noted_at"], condition=Q(is_waiting=True), name="lessons_waiting")
        ]

    def __str__(self) -> str:
        return f"content {self.content_id} is {'junk' if self.is_junk else 'wanted'} in scope {self.scope}"


class JunkTotal(models.Model):
    """How many messages a scope has learned."""

    scope = models.BigIntegerField(primary_key=True)
    junk = models.BigIntegerField(default=0)
    wanted = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.junk} junk, {self.wanted} wanted"


class JunkCount(models.Model):
    """In how many messages of a scope a token stood. The key begins with the token, so that a sweep takes a slice."""

    pk = models.CompositePrimaryKey("token", "scope")
    token = models.BigIntegerField()  # its hash
    scope = models.BigIntegerField()
    junk = models.IntegerField(default=0)
    wanted = models.IntegerField(default=0)
    seen_on = models.DateField()

    class Meta:
        # What listeners read again and again (junk/site_counts.py), among the rows of all accounts.
        indexes: ClassVar = [
            models.Index(fields=["seen_on"], condition=Q(scope=SITE), name="junk_counts_of_the_site")
        ]

    def __str__(self) -> str:
        return f"{self.junk} junk, {self.wanted} wanted"
