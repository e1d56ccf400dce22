"""Tests that share a deployment or a server run in one process: each process would start its own."""

from typing import Any

from xdist.scheduler import LoadGroupScheduling

TOGETHER = frozenset({"browser", "demo", "embedded", "faults", "flow"})
"""Folders: a new test of theirs needs no mark, and pytest 9.2 shows xdist no names of `xdist_group` marks."""


class FolderScheduling(LoadGroupScheduling):  # type: ignore[misc]  # xdist is untyped
    """Gives each of these folders to one process, and every other test to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        folder = nodeid.split("/")[1]
        return folder if folder in TOGETHER else nodeid


def make_scheduler(config: Any, log: Any) -> FolderScheduling:
    """Make the scheduler of a run; xdist's hook of a similar name asks for it."""
    return FolderScheduling(config, log)
