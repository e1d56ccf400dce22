"""The tenant: its settings, its API keys, and who may do what."""
