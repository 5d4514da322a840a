"""SMTP without its sockets: command lines, paths, parameters, replies, DATA, trace fields (RFC 5321)."""
