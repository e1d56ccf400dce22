"""One row for each person of a campaign, and the only way facts reach it."""
