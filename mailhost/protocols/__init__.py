"""The standards in Python: no Django, no sockets, no clock, no logging."""
