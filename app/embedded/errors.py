"""What the embedded servers say when they cannot do what was asked."""


class EmbeddedServerError(Exception):
    """An embedded server is missing, did not start, or refused a command: one line, fit for a terminal."""


class CommandFailedError(EmbeddedServerError):
    """A program left with an error, or too early; `output` is all it wrote."""

    def __init__(self, program: str, output: str) -> None:
        """Keep the whole output to judge by; the message ends with its last lines."""
        self.output = output
        super().__init__(f"{program} failed: {last_lines(output)}")


class NotStartedError(EmbeddedServerError):
    """Asked of a server that is not there: it has no directory, port or process yet."""

    def __init__(self, server: str) -> None:
        """Name the server."""
        super().__init__(f"{server} has not been started")


def last_lines(output: str, count: int = 3) -> str:
    """Return the last `count` lines that say something, joined into one."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " | ".join(lines[-count:]) or "it said nothing"
