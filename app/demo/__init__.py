"""The demo: a whole deployment on one machine, a sample school, one campaign, and its report."""
