"""Whatever the README names is there: commands, settings, files, resources, and its own chapters."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.core.config import Settings
from app.directory.registry import RESOURCES
from tests.cli.test_tree import NOBODY, PLACEHOLDERS, ROOT
from tests.test_readme import README, read_blocks

FOLDER = Path(__file__).resolve().parents[1]


def read_command_lines() -> Iterator[list[str]]:
    """Yield the words of every `campaigns …` at a prompt, in whatever kind of block."""
    for block in [*read_blocks("sh"), *read_blocks("console")]:
        for line in re.findall(r"^\$ (campaigns (?:.*\\\n)*.*)$", block, re.MULTILINE):
            yield shlex.split(PLACEHOLDERS.sub(NOBODY, line.replace("\\\n", " ")))[1:]


def find_command(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that the first words name, and the words after them."""
    target: Any = ROOT
    while words and words[0] in getattr(target, "commands", {}):
        target, words = target.commands[words[0]], words[1:]
    return target, words


def test_every_command_line_parses() -> None:
    lines = list(read_command_lines())
    assert len(lines) >= 4
    for words in lines:
        target, rest = find_command(words)
        target.make_context(target.name, rest)


def test_every_command_mentioned_exists() -> None:
    mentioned = re.findall(r"`campaigns ([^`\n]+)`", README)
    assert mentioned
    for words in set(mentioned) - {"…"}:
        target, rest = find_command(words.removesuffix("…").split())
        assert target is not ROOT, words
        assert not hasattr(target, "commands") or not rest, words
        known = {option for each in target.params for option in each.opts}
        assert {word for word in rest if word.startswith("--")} <= known, words


def test_every_setting_is_named_and_every_name_is_a_setting() -> None:
    settings = {f"CAMPAIGNS_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"\bCAMPAIGNS_[A-Z_]+[A-Z]\b", README)) - {"CAMPAIGNS_RATE_LIMIT"}
    assert named == settings


def test_every_path_exists() -> None:
    paths = set(re.findall(r"`((?:app|tests|migrations|benchmarks)/[\w./]+)`", README))
    for room, files in re.findall(r"^\| `(app/[\w/]+)` \|.*\| (.+) \|$", README, re.MULTILINE):
        paths |= {f"{room}/{name}" for name in re.findall(r"`([^`]+)`", files)}
    modules = {name.replace(".", "/") + ".py" for name in re.findall(r"-m (benchmarks\.\w+)", README)}
    assert len(paths) > 40
    assert [path for path in sorted(paths | modules) if not (FOLDER / path).exists()] == []


def test_every_room_is_in_the_tour() -> None:
    rooms = {f"app/{each.name}" for each in (FOLDER / "app").iterdir() if (each / "__init__.py").exists()}
    assert [room for room in sorted(rooms) if f"| `{room}` |" not in README] == []


def test_every_link_within_leads_somewhere() -> None:
    titles = re.findall(r"^#{2,4} (.+)$", README, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= anchors


def test_every_resource_is_named() -> None:
    missing = [resource.name for resource in RESOURCES if f"`{resource.name}`" not in README]
    assert not missing
