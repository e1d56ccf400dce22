"""The whole OpenAPI document, tried by schemathesis: every operation with good and bad requests, every check.

The short form and the soak differ only in how much they try, and in whom they ask.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import schemathesis
from schemathesis.engine import events, from_schema

UNTRIED = ("revoke_api_key",)
"""It would take away the key that all is asked with."""
ENDLESS = r"/live$"
"""Streams of events: they have no end to wait for."""
NESTED = r"^/u/preview$|^/v1/directory/users/\{external_id\}/(export|preferences)$"
"""Paths that are also another's, with a value in its parameter.

An external id may hold slashes, so that DELETE of such a path means a user with that id; /u/preview is also
/u/{token}. `Allow` names the methods of both, and schemathesis knows one.
"""
CUT = re.compile("/u/[^ ']*%2F")
"""A token with a slash in it is no token but another path, which nobody serves."""
FOUND_HALF = 0.5
"""How often a parameter of a path names what the school has; else it is made up."""

PHASES = ("examples", "coverage", "fuzzing", "stateful")
Config = dict[str, Any]


@dataclass(slots=True)
class Findings:
    """What a run did, and what it found."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    faults: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.cases} cases of {len(self.operations)} operations ({counts}), {len(self.faults)} faults"
        )


@schemathesis.serializer("application/x-ndjson")
def send_lines(_: schemathesis.SerializationContext, value: Any) -> Any:
    """Send a file of lines as it is."""
    return value if isinstance(value, bytes) else str(value).encode()


def fuzz(
    url: str, key: str, *, seed: int, examples: int, phases: Collection[str], ids: Mapping[str, str]
) -> Findings:
    """Try every operation of the document that is served; return what was found.

    `examples` bounds the requests made up for each operation where chance makes them up. `ids` are values
    for the parameters of paths, by name.
    """
    # To make the document takes a busy machine longer than schemathesis waits for it.
    document = httpx.get(f"{url}/openapi.json", timeout=60, trust_env=False).raise_for_status().json()
    config = _write_config(key, seed=seed, examples=examples, phases=phases, ids=ids) | {"base-url": url}
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))
    chosen = schema.exclude(path_regex=ENDLESS).exclude(operation_id=list(UNTRIED))
    findings = Findings()
    for event in from_schema(chosen).execute():
        _take(findings, event)
    return findings


def _write_config(
    key: str, *, seed: int, examples: int, phases: Collection[str], ids: Mapping[str, str]
) -> Config:
    return {
        "seed": seed,
        "cache": {"enabled": False},
        "continue-on-failure": True,
        "request-timeout": 30,
        "headers": {"Authorization": f"Bearer {key}"},
        "generation": {"max-examples": examples, "database": "none"},
        "phases": {name: {"enabled": name in phases} for name in PHASES},
        "dictionaries": {name: {"values": [value]} for name, value in ids.items()},
        "parameters": {f"path.{name}": {"dictionary": name, "probability": FOUND_HALF} for name in ids},
        "checks": {
            "positive_data_acceptance": {
                # A schema cannot say which records there are, which cursor a list gave, what is an address.
                "expected-statuses": ["2xx", "3xx", "400", "401", "403", "404", "409", "422"]
            },
        },
        "operations": [
            {
                "include-path-regex": NESTED,
                "checks": {
                    "allow_header_conformance": {"enabled": False},
                    "unsupported_method": {"enabled": False},
                },
            },
            {
                # Any text is a file: its bad rows are reported one by one, and the answer is 202.
                "include-name": "POST /v1/imports",
                "checks": {"negative_data_rejection": {"enabled": False}},
            },
        ],
    }


def _take(findings: Findings, event: events.EngineEvent) -> None:
    match event:
        case events.ScenarioFinished():
            recorder = event.recorder
            findings.cases += len(recorder.cases)
            findings.operations |= {node.value.operation.label for node in recorder.cases.values()}
            findings.statuses.update(
                each.response.status_code for each in recorder.interactions.values() if each.response
            )
            findings.faults |= dict(_read_faults(recorder.checks))
        case events.NonFatalError():
            findings.faults[f"{event.label}: {type(event.value).__name__}"] = str(event.value)
        case events.FatalError():
            raise event.exception


def _read_faults(checks: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each failed check, by the operation, with the request as a curl command."""
    for node in (each for some in checks.values() for each in some):
        if node.failure_info is not None and not CUT.search(node.failure_info.code_sample):
            failure = node.failure_info.failure
            yield (
                f"{failure.operation}: {failure.title}",
                f"{failure.message}\n{node.failure_info.code_sample}",
            )
