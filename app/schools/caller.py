"""Who is calling: a credential that was found valid, whatever its kind."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.schools.audit.record import Actor, ActorKind


@dataclass(frozen=True, slots=True)
class Caller:
    """A credential that was found valid, the school it belongs to, and who acts with it.

    An API key has a `key_id`. A person, by the platform's token, has a `subject` instead, and is a caller
    until `expires_at`; whether a key still is one, its row tells.
    """

    school_id: UUID
    key_id: UUID | None
    name: str
    scopes: frozenset[str]
    subject: str | None = None
    expires_at: datetime | None = None

    @property
    def id(self) -> str:
        """The key's id, or the person's at the platform."""
        return self.subject if self.subject is not None else str(self.key_id)

    @property
    def actor(self) -> Actor:
        """Who this is in the audit trail."""
        return Actor(ActorKind.KEY if self.subject is None else ActorKind.PERSON, self.id, self.name)
