"""Webmail and the pages around it: sign-in, the first operator, the page for a database that is away."""
