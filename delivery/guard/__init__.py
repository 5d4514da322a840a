"""What keeps port 25 from being worn out: DNS lists, limits, tarpits, greylisting. Bans are in mailhost.bans."""
