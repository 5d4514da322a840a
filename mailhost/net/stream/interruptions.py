"""What keeps a connection from going on, in the words of its session."""


class ConnectionLost(Exception):
    """The client went away, takes nothing, or sends what cannot be served; the session is over."""


class ShuttingDown(ConnectionLost):
    """This process ends; there is time for one last line (BYE) and no more commands."""


class IdleTimeout(Exception):
    """The client did not send what was waited for in time; replies can still be written."""


class LineTooLong(Exception):
    """A line was longer than allowed. All of it has been read and dropped: the next one can be read."""
