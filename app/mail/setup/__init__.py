"""The account around the mail port: what SES, SNS and SQS are told once, and whether they still say so."""
