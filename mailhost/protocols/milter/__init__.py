"""The milter protocol, version 6, from the MTA's side: as sendmail's libmilter speaks it. No RFC describes it."""
