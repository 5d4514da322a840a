"""What several tests need: servers to talk to, transcripts, accounts of their own."""
