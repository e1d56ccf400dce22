"""The record of a message sent to many, from the moment it is accepted."""
