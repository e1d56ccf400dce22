"""Logs: one JSON object a line on standard error, and nothing from those who name URLs and arguments."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from app.core.logging import configure_logging
configure_logging()
structlog.contextvars.bind_contextvars(request_id="r1")
structlog.get_logger("app").info("done", campaign_id="c1")
structlog.get_logger("app").debug("too fine")
logging.getLogger("other").warning("line one\\nline two")
for noisy in ("httpx", "arq", "uvicorn.access", "botocore"):
    logging.getLogger(noisy).info("https://x.example/o/token.gif")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger("app").exception("failed")
"""


def test_every_line_is_json_with_its_context() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["done", "line one\nline two", "failed"]
    assert (lines[0]["request_id"], lines[0]["campaign_id"], lines[0]["level"]) == ("r1", "c1", "info")
    assert lines[0]["timestamp"].endswith("Z")
    assert "ZeroDivisionError" in lines[2]["exception"]
    assert run.stdout == ""
