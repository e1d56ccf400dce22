"""The topic of SES's events, for what they leave behind of a person."""

from tests.feedback.conftest import topic

__all__ = ["topic"]
