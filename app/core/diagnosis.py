"""What an examination finds: one line each, well or with what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    """Nothing is broken, but a person should know, or decide."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at: what was found, and the remedy where one is needed."""

    subject: str
    verdict: Verdict
    finding: str
    remedy: str = ""


def find_well(subject: str, finding: str) -> Diagnosis:
    """Say that it is as it should be."""
    return Diagnosis(subject, Verdict.OK, finding)


def find_notable(subject: str, finding: str, remedy: str) -> Diagnosis:
    """Say what a person should know."""
    return Diagnosis(subject, Verdict.NOTE, finding, remedy)


def find_wrong(subject: str, finding: str, remedy: str) -> Diagnosis:
    """Say what is broken, and what to do."""
    return Diagnosis(subject, Verdict.WRONG, finding, remedy)


def is_healthy(diagnoses: Iterable[Diagnosis]) -> bool:
    """Tell whether nothing is wrong; notes do no harm."""
    return all(each.verdict is not Verdict.WRONG for each in diagnoses)
