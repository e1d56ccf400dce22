"""The SNS topic: the subscription handshake, and signed notifications delivered at least once.

https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html
"""

import asyncio
import random
import secrets
import uuid
from collections import Counter
from dataclasses import dataclass, replace

from app.simulator.agenda import Agenda
from app.simulator.outbound import Outbound
from app.simulator.settings import Delivery, LiveSettings
from app.simulator.signing import MessageSigner, SignedMessage


@dataclass(frozen=True, slots=True)
class Subscription:
    """An HTTP endpoint of the topic; nothing is delivered to it before it confirmed the token."""

    arn: str
    endpoint: str
    token: str
    confirmed: bool = False


class Topic:
    """One topic. What is published while nobody has confirmed a subscription is lost, as with SNS."""

    def __init__(self, live: LiveSettings, signer: MessageSigner, outbound: Outbound, agenda: Agenda) -> None:
        """Deliver through `outbound`, in the turns of `agenda`."""
        self._live = live
        self._signer = signer
        self._outbound = outbound
        self._agenda = agenda
        self._subscriptions: dict[str, Subscription] = {}
        self._changed = asyncio.Condition()
        self._held: list[tuple[Subscription, SignedMessage]] = []
        # Not for secrets: the disorder must be the same for the same seed.
        self._random = random.Random(live.current.sns.seed)  # noqa: S311
        self.counts: Counter[str] = Counter()

    @property
    def arn(self) -> str:
        """The topic's ARN."""
        return self._live.current.topic_arn

    @property
    def held(self) -> int:
        """Deliveries that wait for a paused topic to resume."""
        return len(self._held)

    def list_subscriptions(self) -> list[Subscription]:
        """Return every subscription, confirmed or not."""
        return list(self._subscriptions.values())

    async def subscribe(self, endpoint: str, timeout_seconds: float) -> Subscription:
        """Ask an endpoint to confirm; return its subscription once it did, or when the time is over."""
        arn = f"{self.arn}:{uuid.uuid4()}"
        subscription = Subscription(arn, endpoint, secrets.token_hex(64))
        self._subscriptions[arn] = subscription
        message = self._signer.sign_confirmation(subscription.token, self._live.current.sns.signature_version)
        self._agenda.add(0.0, self._deliver, subscription, message, 0)
        try:
            async with asyncio.timeout(timeout_seconds), self._changed:
                await self._changed.wait_for(lambda: self._subscriptions[arn].confirmed)
        except TimeoutError:
            pass
        return self._subscriptions[arn]

    async def confirm(self, topic_arn: str, token: str) -> Subscription | None:
        """Confirm the subscription a token was sent to; None when the token is nobody's."""
        for subscription in self._subscriptions.values():
            if topic_arn == self.arn and secrets.compare_digest(subscription.token, token):
                confirmed = replace(subscription, confirmed=True)
                async with self._changed:
                    self._subscriptions[subscription.arn] = confirmed
                    self._changed.notify_all()
                return confirmed
        return None

    def unsubscribe(self, arn: str) -> bool:
        """Remove a subscription; False when there is none."""
        return self._subscriptions.pop(arn, None) is not None

    def publish(self, text: str) -> None:
        """Have `text` signed and delivered to every confirmed subscription, as `settings.sns` asks."""
        delivery = self._live.current.sns
        for subscription in self._subscriptions.values():
            if subscription.confirmed:
                self.counts["published"] += 1
                copies = 2 if self._random.random() < delivery.duplicated else 1
                self._agenda.add(
                    self._draw_delay(delivery), self._sign_and_deliver, subscription, text, copies
                )

    async def deliver_now(self, text: str) -> list[tuple[SignedMessage, int]]:
        """Sign and POST `text` once to each subscription; return what was sent and the answers' statuses."""
        version = self._live.current.sns.signature_version
        answers = []
        for subscription in [item for item in self._subscriptions.values() if item.confirmed]:
            message = self._signer.sign_notification(text, version, subscription.arn)
            answers.append((message, await self._post(subscription, message)))
        return answers

    def release(self) -> None:
        """Deliver what was held while the topic was paused."""
        held, self._held = self._held, []
        for subscription, message in held:
            self._agenda.add(0.0, self._deliver, subscription, message, 0)

    def forget(self) -> None:
        """Drop what is held and the counts; subscriptions stay."""
        self._held.clear()
        self.counts.clear()
        self._random = random.Random(self._live.current.sns.seed)  # noqa: S311 - as above

    def _draw_delay(self, delivery: Delivery) -> float:
        delay = self._random.random() * delivery.shuffle_seconds
        if self._random.random() < delivery.late:
            delay += delivery.late_seconds
        return delay

    async def _sign_and_deliver(self, subscription: Subscription, text: str, copies: int) -> None:
        version = self._live.current.sns.signature_version
        message = self._signer.sign_notification(text, version, subscription.arn)
        for _ in range(copies - 1):
            self._agenda.add(
                self._draw_delay(self._live.current.sns), self._deliver, subscription, message, 0
            )
        await self._deliver(subscription, message, 0)

    async def _deliver(self, subscription: Subscription, message: SignedMessage, attempt: int) -> None:
        delivery = self._live.current.sns
        if delivery.paused and message.type == "Notification":
            self._held.append((subscription, message))
            return
        status = await self._post(subscription, message)
        if status != 429 and status < 500:
            self.counts["delivered" if status < 400 else "refused"] += 1
        elif attempt >= delivery.retries:
            self.counts["abandoned"] += 1
        else:
            self.counts["retried"] += 1
            wait = min(delivery.retry_max_seconds, delivery.retry_min_seconds * 2**attempt)
            self._agenda.add(
                wait * (0.5 + self._random.random()), self._deliver, subscription, message, attempt + 1
            )

    async def _post(self, subscription: Subscription, message: SignedMessage) -> int:
        """Return the status of the answer, or NO_ANSWER."""
        headers = {
            "x-amz-sns-message-type": message.type,
            "x-amz-sns-message-id": message.message_id,
            "x-amz-sns-topic-arn": self.arn,
            "Content-Type": "text/plain; charset=UTF-8",
            "User-Agent": "Amazon Simple Notification Service Agent",
        }
        if message.type == "Notification":
            headers["x-amz-sns-subscription-arn"] = subscription.arn
        return await self._outbound.ask("POST", subscription.endpoint, headers, message.body)
