"""Why nobody knows whether SES took a mail: in plain words, for whoever reads the report (pure)."""

from dataclasses import dataclass

LEASE_ENDED = "the worker stopped before SES's answer was recorded"
_NO_ANSWER = "SES did not answer in time"
_NO_RESULT = "SES answered without saying what became of it"
_BROKEN = "the connection broke before SES answered"
_LEFT_OPEN = "SES's answer leaves it open"

_WORDS = {
    "lease_ended": _NO_ANSWER,
    "TimeoutError": _NO_ANSWER,
    "ReadTimeoutError": _NO_ANSWER,
    "no_result": _NO_RESULT,
    "no_message_id": _NO_RESULT,
    "ConnectionClosedError": _BROKEN,
    "EndpointConnectionError": _BROKEN,
    "HTTPClientError": _BROKEN,
    "ResponseStreamingError": _BROKEN,
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a recipient is unknown, and whether a sign from SES is still waited for."""

    why: str | None = None
    waits: bool = True

    def explain(self) -> str:
        """Say it in a sentence."""
        why = self.why or "the hand-off was cut short"
        if self.waits:
            return f"Not known: {why}; waiting for evidence."
        return f"Not known: {why}; no event has come, and a person must decide."


def describe_doubt(code: str) -> str:
    """Say why an outcome is unknown, from its code (an SDK exception's name, SES's own, or one of ours)."""
    return _WORDS.get(code, _LEFT_OPEN)
