"""How the simulator is set: what is fixed at the start, and what `PATCH /_sim/settings` may change."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, 0 to 1."""
Seconds = Annotated[float, Field(ge=0)]

Keep = Literal["all", "addresses", "none"]


@dataclass(frozen=True, slots=True)
class Sending:
    """The account as SES sees it.

    `max_send_rate` is recipients a second, `max_24_hour_send` recipients in any 24 hours (-1: no limit).
    An empty `configuration_sets` means that every name exists. `checked` is the share of requests compared
    with the service model; the others are taken at their word, which only a benchmark should want.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    max_send_rate: Annotated[float, Field(gt=0)] = 1_000.0
    max_24_hour_send: float = 5_000_000.0
    sending_enabled: bool = True
    production_access: bool = True
    configuration_sets: tuple[str, ...] = ()
    unverified_domains: tuple[str, ...] = ("unverified.example",)
    absent_domains: tuple[str, ...] = ("absent.example",)
    checked: Share = 1.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What becomes of accepted mail: shares of recipients, drawn from `seed` and the address alone.

    Outcomes (`rejected`, `bounced`, `soft_bounced`) are shares of everyone, the rest are shares of those
    delivered. `latency_seconds` is the mean time to an outcome. A person reads `reading_floor_seconds` after
    delivery at the earliest, and on average `reading_seconds` later still; machines come at once.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    enabled: bool = True
    bounced: Share = 0.02
    soft_bounced: Share = 0.01
    rejected: Share = 0.0
    delayed: Share = 0.02
    complained: Share = 0.0005
    out_of_office: Share = 0.01
    opened: Share = 0.45
    clicked: Share = 0.12
    unsubscribed: Share = 0.005
    prefetched: Share = 0.15
    scanned: Share = 0.05
    latency_seconds: Seconds = 0.5
    reading_floor_seconds: Seconds = 4.0
    reading_seconds: Seconds = 3.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """How SNS delivers: `late`, `duplicated` are shares; `shuffle_seconds` is the width of the disorder.

    Each retry waits twice as long as the one before, from `retry_min_seconds` to `retry_max_seconds`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    signature_version: Literal[1, 2] = 2
    paused: bool = False
    late: Share = 0.0
    late_seconds: Seconds = 5.0
    duplicated: Share = 0.0
    shuffle_seconds: Seconds = 0.0
    retries: Annotated[int, Field(ge=0)] = 50
    retry_min_seconds: Seconds = 0.2
    retry_max_seconds: Seconds = 5.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """Everything a simulator is started with; `certificate_dir` receives the signing key and certificate.

    A certificate that is made there is named by `certificate_id`, hexadecimal, or by its hash. `webhook` is
    subscribed to the topic at the start.

    `public_url` is the product's: visits go nowhere else. Up to `keep_limit` emails are kept, the newest.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    certificate_dir: Path
    certificate_id: str | None = None
    host: str = "127.0.0.1"
    port: int = 8025
    public_url: str = "http://127.0.0.1:8000"
    webhook: str | None = None
    region: str = "us-east-1"
    account_id: str = "123456789012"
    topic_name: str = "campaigns-events"
    keep: Keep = "all"
    keep_limit: Annotated[int, Field(ge=0)] = 100_000
    sns_concurrency: Annotated[int, Field(ge=1)] = 16
    visit_concurrency: Annotated[int, Field(ge=1)] = 16
    sending: Sending = field(default_factory=Sending)
    behaviour: Behaviour = field(default_factory=Behaviour)
    sns: Delivery = field(default_factory=Delivery)

    @property
    def topic_arn(self) -> str:
        """The ARN of the one topic."""
        return f"arn:aws:sns:{self.region}:{self.account_id}:{self.topic_name}"


@dataclass(frozen=True, slots=True)
class SettingsPatch:
    """The part of the settings that may change while the simulator runs; absent means unchanged."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    public_url: str | None = None
    sending: dict[str, Any] = field(default_factory=dict)
    behaviour: dict[str, Any] = field(default_factory=dict)
    sns: dict[str, Any] = field(default_factory=dict)


_PATCH = TypeAdapter(SettingsPatch)
_SENDING = TypeAdapter(Sending)
_BEHAVIOUR = TypeAdapter(Behaviour)
_DELIVERY = TypeAdapter(Delivery)


def change_settings(settings: SimulatorSettings, changes: Mapping[str, Any]) -> SimulatorSettings:
    """Return the settings with the named values changed; raises pydantic.ValidationError."""
    patch = _PATCH.validate_python(changes)
    return replace(
        settings,
        public_url=patch.public_url or settings.public_url,
        sending=_SENDING.validate_python(asdict(settings.sending) | patch.sending),
        behaviour=_BEHAVIOUR.validate_python(asdict(settings.behaviour) | patch.behaviour),
        sns=_DELIVERY.validate_python(asdict(settings.sns) | patch.sns),
    )


class LiveSettings:
    """The settings in force: the one thing every part shares and the control API turns."""

    __slots__ = ("_initial", "current")

    def __init__(self, initial: SimulatorSettings) -> None:
        """Start from `initial`."""
        self._initial = initial
        self.current = initial

    def change(self, changes: Mapping[str, Any]) -> None:
        """Apply a patch; raises pydantic.ValidationError and then changes nothing."""
        self.current = change_settings(self.current, changes)

    def restore(self) -> None:
        """Go back to what the simulator was started with."""
        self.current = self._initial
