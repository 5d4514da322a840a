"""The words of a message, for searching."""

from django.db import models


class ContentText(models.Model):
    """What SEARCH looks for in one content, prepared for comparing: see mailboxes/store/search_text.py.

    `headers` are the decoded header fields, `body` the decoded text parts. A content without a row is not indexed yet.
    """

    content = models.OneToOneField(
        "mailboxes.Content", on_delete=models.CASCADE, primary_key=True, related_name="text"
    )
    headers = models.TextField()
    body = models.TextField()

    def __str__(self) -> str:
        return f"text of content {self.pk}"
