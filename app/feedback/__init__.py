"""What SES says became of the mail."""
