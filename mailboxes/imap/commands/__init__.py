"""One command, one file: refuse early, do, reply. `table` says which function runs which command."""
