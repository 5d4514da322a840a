"""Relay: bringing messages to other hosts (RFC 5321 section 5). Knows nothing of the queue's tables."""
