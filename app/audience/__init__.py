"""Who: which users a filter names, and which of them may be mailed."""
