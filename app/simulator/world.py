"""Lives through what was foretold for each accepted email: publishes its events, makes its visits."""

from collections.abc import Awaitable, Callable, Iterable

import orjson

from app.core import clock
from app.simulator.agenda import Agenda
from app.simulator.events import describe_event
from app.simulator.fate import Act, Step, foretell
from app.simulator.ledger import Fact, Ledger
from app.simulator.mailbox import Mail, find_rendering_fault
from app.simulator.settings import LiveSettings
from app.simulator.sns import Topic
from app.simulator.visitor import Visitor

_FACTS = {
    Act.DELIVER: Fact.DELIVERED,
    Act.BOUNCE: Fact.BOUNCED,
    Act.SUPPRESS: Fact.BOUNCED,
    Act.SOFT_BOUNCE: Fact.SOFT_BOUNCED,
    Act.COMPLAIN: Fact.COMPLAINED,
    Act.REJECT: Fact.REJECTED,
    Act.DELAY: Fact.DELAYED,
    Act.REPLY_OUT_OF_OFFICE: Fact.OUT_OF_OFFICE,
    Act.FAIL_RENDERING: Fact.RENDERING_FAILED,
}


class World:
    """Takes accepted mail through its steps, one at a time and in order for each email."""

    def __init__(
        self, live: LiveSettings, ledger: Ledger, topic: Topic, visitor: Visitor, agenda: Agenda
    ) -> None:
        """Publish on `topic` and visit through `visitor`, in the turns of `agenda`."""
        self._live = live
        self._ledger = ledger
        self._topic = topic
        self._agenda = agenda
        self._visits: dict[Act, Callable[[Mail], Awaitable[None]]] = {
            Act.OPEN: visitor.open,
            Act.CLICK: visitor.click,
            Act.UNSUBSCRIBE: visitor.unsubscribe,
            Act.PREFETCH: visitor.prefetch,
            Act.SCAN: visitor.scan,
        }

    def receive(self, mails: Iterable[Mail]) -> None:
        """Begin the lives of accepted emails; returns at once."""
        behaviour = self._live.current.behaviour
        if not behaviour.enabled:
            return
        for mail in mails:
            if find_rendering_fault(mail):
                self._schedule(mail, (Step(0.0, Act.FAIL_RENDERING),), 0.0)
            else:
                self._schedule(mail, foretell(mail.address, behaviour), 0.0)

    def _schedule(self, mail: Mail, steps: tuple[Step, ...], so_far: float) -> None:
        if steps:
            self._agenda.add(steps[0].after - so_far, self._live_through, mail, steps)

    async def _live_through(self, mail: Mail, steps: tuple[Step, ...]) -> None:
        step, *rest = steps
        visit = self._visits.get(step.act)
        if visit is None:
            self._publish(step.act, mail)
        else:
            await visit(mail)
        self._schedule(mail, tuple(rest), step.after)

    def _publish(self, act: Act, mail: Mail) -> None:
        if fact := _FACTS.get(act):
            self._ledger.mark(mail, fact)
        # SES publishes events through a configuration set only; without one, nobody hears.
        if mail.envelope.configuration_set:
            event = describe_event(act, mail, self._live.current.account_id, clock.now())
            self._ledger.count(mail, "events")
            self._topic.publish(orjson.dumps(event).decode())
