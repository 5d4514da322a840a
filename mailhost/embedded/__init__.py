"""Postgres and Valkey from wheels, started as our own children, and the supervisor behind ./run."""
