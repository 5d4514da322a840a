"""`./run bench smtp`: mail that comes in from strangers, looked at by everything that looks at mail, and submission."""
