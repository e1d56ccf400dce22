"""`campaigns aws …`: the account, with what only this deployment knows of it."""
