"""TLS to other hosts: what a next hop's policy asks for, and whether a session was as it asks (RFC 7672, RFC 8461)."""
