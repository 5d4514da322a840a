"""DMARC aggregate reports of our own (RFC 9990): what comes in is counted, and told to the domains that ask for it."""
