"""The queue page with a million rows: filled into a scratch database, and timed as an operator sees it."""
