"""What is found out about a message that comes in, and the verdict that follows for each of its recipients."""
