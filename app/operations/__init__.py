"""Keeping a deployment well: what is wrong with it, what is tidied away, how it is spread over machines."""
