"""Identifiers: UUIDv7 (RFC 9562), so that what is made later sorts later and index inserts stay local."""

from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return UUID(bytes=uuid_utils.uuid7().bytes)


def new_id_bytes() -> bytes:
    """Return the 16 bytes of a new UUIDv7."""
    return bytes(uuid_utils.uuid7().bytes)


def new_id_text() -> str:
    """Return a new UUIDv7 as it is written."""
    return str(uuid_utils.uuid7())
