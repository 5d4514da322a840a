"""Programs beside this host that are asked about mail that comes in: Rspamd, clamd, milters. Off unless set."""
