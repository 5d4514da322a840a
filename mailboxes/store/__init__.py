"""The mailbox store: synchronous functions, one transaction each, keyword arguments, no protocol words.

Every writing function locks usage rows first and mailboxes second, each in the order of their ids (locks.py), and
announces the mailboxes it changed once the transaction is committed.
"""
