"""What a credential may do."""

from enum import StrEnum


class Scope(StrEnum):
    """One thing that a credential may do."""

    DIRECTORY_READ = "directory:read"
    DIRECTORY_WRITE = "directory:write"
    MESSAGES_SEND = "messages:send"
    CAMPAIGNS_READ = "campaigns:read"
    CAMPAIGNS_WRITE = "campaigns:write"
    PREFERENCES_WRITE = "preferences:write"
    KEYS_MANAGE = "keys:manage"


ALL_SCOPES = tuple(Scope)
