"""Mailing lists: audiences kept under a name. Who is on one is found anew each time it is used."""
