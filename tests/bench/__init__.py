"""Benchmarks: `./run bench [delivery] [push] [imap] [start] [--peer PATH]`. Never part of the tests: speed varies."""
