"""A process may hold as many connections as the system lets it."""

import resource
import subprocess
import sys

import pytest

_SHOW = """
import resource
from app.core.open_files import allow_many_files
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(allow_many_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(("soft", "hard"), [(256, 512), (512, 512)])
def test_the_soft_limit_becomes_the_hard_one(soft: int, hard: int) -> None:
    """In a process of its own: a hard limit cannot be raised again."""
    assert _show(soft, hard) == [hard, hard, hard]


def test_a_higher_soft_limit_stays() -> None:
    """Who set it higher meant it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    soft = 70_000 if hard == resource.RLIM_INFINITY else hard
    assert _show(soft, hard) == [soft, soft, hard]


def _show(soft: int, hard: int) -> list[int]:
    code = _SHOW.format(soft=soft, hard=hard)
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return [int(number) for number in answer.stdout.split()]
