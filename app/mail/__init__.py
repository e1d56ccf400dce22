"""The mail port: knows SES and SNS, knows no campaign."""
