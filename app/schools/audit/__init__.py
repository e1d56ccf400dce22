"""Who did what: entries written with the change itself, and the list of them."""
