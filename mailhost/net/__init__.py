"""Where asyncio meets Django, TLS, Redis and the disk. Below the apps, above mailhost.protocols."""
