"""What setting up did to one thing, or would do (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One thing of the account: it exists, was created or changed; or would be, in a dry run."""

    thing: str
    done: str
    detail: str = ""


def tell(thing: str, done: str, *, dry_run: bool, detail: str = "") -> Step:
    """Say what was done, or would be."""
    return Step(thing, f"would be {done}" if dry_run else done, detail)


def tell_changes(thing: str, changes: Sequence[str], *, dry_run: bool) -> Step:
    """Say what of it was changed; that it exists where nothing was."""
    if not changes:
        return Step(thing, "exists")
    return tell(thing, "changed", dry_run=dry_run, detail=", ".join(changes))
