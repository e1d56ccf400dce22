"""Examining a deployment in a test, and finding what it says of one thing."""

from sqlalchemy import text

from app.core.config import Settings
from app.core.db import Database
from app.core.diagnosis import Diagnosis, Verdict
from app.operations.doctor.examine import Examination, examine_deployment


async def examine(settings: Settings, *, quick: bool = False, repair: bool = False) -> list[Diagnosis]:
    """Return all that the examination says."""
    how = Examination(quick=quick, repair=repair)
    return [each async for each in examine_deployment(settings, how, on_progress=lambda done, total: None)]


def pick(diagnoses: list[Diagnosis], subject: str) -> Diagnosis:
    """Return the first word on this subject that is not ok, or the last."""
    found = [each for each in diagnoses if each.subject == subject]
    return next((each for each in found if each.verdict is not Verdict.OK), found[-1])


async def run_sql(database: Database, statement: str, **values: object) -> None:
    """Run a statement of a test."""
    async with database.connection() as connection:
        await connection.execute(text(statement), values)
