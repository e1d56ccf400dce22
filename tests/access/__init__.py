"""Who may do what: every route with every kind of credential."""
