"""The outbound queue in Postgres: enqueue, claim, outcomes, schedule."""
