"""What accounts submit (RFC 6409): how much, to how many they never wrote to, and what is held back."""
