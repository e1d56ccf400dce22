"""How an examination is shown: a line for each thing, then what to do about it."""

from collections.abc import AsyncIterator

from rich.console import Console

from app.core.diagnosis import Diagnosis, Verdict, is_healthy

_STYLES = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.WRONG: "red"}


async def show_diagnoses(diagnoses: AsyncIterator[Diagnosis]) -> bool:
    """Print each as it comes; return whether nothing is wrong."""
    console = Console(highlight=False, soft_wrap=True)
    seen: list[Diagnosis] = []
    async for each in diagnoses:
        seen.append(each)
        console.print(f"{each.verdict:5} ", style=_STYLES[each.verdict], end="")
        console.print(f"{each.subject}: {each.finding}", markup=False)
        if each.remedy:
            console.print(f"      {each.remedy}", style="dim", markup=False)
    return is_healthy(seen)
