"""All that this app shows in the admin: Django looks into this module alone."""

from mailboxes import admin_accounts, admin_api_keys, admin_roles  # noqa: F401
