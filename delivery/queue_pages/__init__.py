"""The queue page and its verbs, for operators and for administrators of domains: one body in two frames."""
