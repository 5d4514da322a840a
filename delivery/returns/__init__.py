"""Bounces and complaints of other hosts: matched to what was sent, and noted."""
