"""Ways out that an operator made: chosen when a message is queued, changed and tried by verbs."""
