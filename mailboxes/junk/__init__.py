"""Telling junk from wanted mail: what a message says, what people have said of others like it, and what follows.

`judging.classify` is for deliveries, `learning.learn` for a button; docs/spam.md tells the rest.
"""
