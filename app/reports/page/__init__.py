"""The report to print, or to mail to a head teacher: one page that needs nothing else."""
