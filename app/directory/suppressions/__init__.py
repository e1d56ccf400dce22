"""The suppression list: addresses that are not mailed at all, seen and kept by the school."""
