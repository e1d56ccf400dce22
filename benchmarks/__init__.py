"""One command for each figure the product promises; each prints its ratio to a baseline of the same run."""
