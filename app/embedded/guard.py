"""A tiny shell that stops a server, and clears its files, when we die without having done so ourselves."""

import signal
import subprocess
from pathlib import Path

# PR_SET_PDEATHSIG would not do: it follows the thread that forked, is lost on a change of user (prctl(2)),
# and only Linux has it. A pipe is closed by the kernel whatever kills us.
#
# $1: signal; $2: directory to remove, "" for none. The first line read is the server's process id; the
# second never comes: its read returns when our end of the pipe closes. A zombie, which the first process
# of a container may never reap, counts as gone.
_SCRIPT = """
read -r pid || exit 0
read -r never
is_alive() { kill -0 "$pid" && ! grep -qs '^State:.*Z' "/proc/$pid/status"; }
kill -s "$1" "$pid"
tries=0
while is_alive && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
kill -s KILL "$pid"
[ -z "$2" ] || rm -rf -- "$2"
"""


class Guard:
    """Watches one server from a process of its own; it can outlive us, the server cannot."""

    def __init__(self, stop_signal: signal.Signals, doomed_directory: Path | None) -> None:
        """Start the guard, before the server, so that nothing ever runs unwatched for long."""
        signal_name = stop_signal.name.removeprefix("SIG")
        self._process = subprocess.Popen(  # noqa: S603 - a fixed script
            ["/bin/sh", "-c", _SCRIPT, "campaigns-guard", signal_name, str(doomed_directory or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """Name the process to stop once we are gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % pid)
        self._process.stdin.flush()

    def dismiss(self) -> None:
        """End the guard without it doing anything."""
        # Killed before its pipe closes, or it would take that for our death.
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
