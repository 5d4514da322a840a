"""TLS reports of our own (RFC 8460): how connections to their hosts went, told to the domains that ask for it."""
