"""Reports of our own to other domains: DMARC aggregate reports (RFC 9990) about what comes in their name, and in `tls`
TLS reports (RFC 8460) about connections to their hosts. Both are counted, planned and sent in the same way."""
