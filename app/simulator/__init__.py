"""A stand-in for SES v2 and SNS: same wire, same limits, signed events, faults on demand."""
