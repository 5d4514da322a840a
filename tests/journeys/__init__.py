"""Mail all the way through a whole mail host, over real sockets, between real processes."""
