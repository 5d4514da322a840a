"""What it means when DNS gives no records: nothing there, or no answer now."""


class NotFound(Exception):
    """There is no such name, or it has no such record."""


class TemporarilyUnavailable(Exception):
    """No answer now; later it may be different."""
