"""The REST API for provisioning, at /api/v1/: domains, accounts and aliases under natural keys."""
