"""What the tests ask of the operating system: is a process there, a port open, a condition true yet."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Return once the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not true after {seconds} s"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie nobody has reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/status")
    return not (status.exists() and "State:\tZ" in status.read_text())


def is_port_open(port: int) -> bool:
    """Tell whether somebody listens on the port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def read_arguments(pid: int) -> str:
    """Return the command line as any user of the machine can see it."""
    ps = shutil.which("ps")
    assert ps is not None
    return subprocess.run([ps, "-ww", "-o", "args=", "-p", str(pid)], check=True, stdout=-1, text=True).stdout
