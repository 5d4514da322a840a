"""Benchmarks: `./run bench [delivery] [push] [start] [--peer PATH]`. Never part of the tests: speed varies."""
