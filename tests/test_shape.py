"""The shape of the house: files and functions stay small, every module says what it is for."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for path in (ROOT / "app").rglob("*.py"))
MOST_LINES, MOST_FUNCTION_LINES = 400, 40
VAGUE = {"utils", "helpers", "common", "manager", "misc", "base_service"}


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_small_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    docstring = ast.get_docstring(tree)
    assert docstring, "a module starts by saying what it is for"
    assert len(text.splitlines()) <= MOST_LINES
    long = {f.name: size for f in _functions(tree) if (size := _count_lines(f)) > MOST_FUNCTION_LINES}
    assert not long, f"functions of more than {MOST_FUNCTION_LINES} lines: {long}"


def _count_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the body, less its docstring: that is the part to be held in mind."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0  # type: ignore[operator]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_names_are_explained(path: Path) -> None:
    tree = ast.parse(path.read_text())
    silent = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent, f"without a docstring: {silent}"


def test_rooms_have_telling_names() -> None:
    assert not [path for path in SOURCES if path.stem in VAGUE or path.parent.name in VAGUE]


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if "os.environ" in path.read_text() or "os.getenv" in path.read_text()
    }
    assert readers == {"app/core/config.py", "app/demo/stack.py"}
