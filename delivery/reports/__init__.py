"""Reports of others about hosted domains: DMARC aggregate reports (RFC 9990) and TLS reports (RFC 8460)."""
