"""What the simulator knows to have happened: the figures a report must agree with."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from app.simulator.mailbox import Mail
from app.simulator.settings import Keep


class Fact(Enum):
    """Something that is true of a recipient once, however often it happens."""

    DELIVERED = 1
    BOUNCED = 2
    SOFT_BOUNCED = 4
    COMPLAINED = 8
    REJECTED = 16
    DELAYED = 32
    OUT_OF_OFFICE = 64
    RENDERING_FAILED = 128
    OPENED = 256
    CLICKED = 512
    UNSUBSCRIBED = 1024
    MACHINE_OPENED = 2048
    MACHINE_CLICKED = 4096


@dataclass(frozen=True, slots=True)
class Totals:
    """Figures of one campaign (or of all): people, but for `accepted`, `opens`, `clicks` and `events`.

    `accepted` counts emails, `recipients` those they were for, `duplicates` the emails beyond the first for
    the same campaign and recipient. `opened` had the pixel answered (2xx), `clicked` a link (3xx);
    `opened_by_click` is a click without an open, so that a report's "opened" is the sum of both.
    `machine_requests` counts what proxies and scanners asked, `unanswered` the people's visits that got no
    useful answer.
    """

    accepted: int = 0
    recipients: int = 0
    duplicates: int = 0
    delivered: int = 0
    bounced: int = 0
    soft_bounced: int = 0
    complained: int = 0
    rejected: int = 0
    delayed: int = 0
    out_of_office: int = 0
    rendering_failed: int = 0
    opened: int = 0
    opened_by_click: int = 0
    clicked: int = 0
    unsubscribed: int = 0
    opens: int = 0
    clicks: int = 0
    machine_opened: int = 0
    machine_clicked: int = 0
    machine_requests: int = 0
    unanswered: int = 0
    events: int = 0


@dataclass(frozen=True, slots=True)
class RecipientSummary:
    """What is known of one recipient."""

    address: str
    campaign_id: str
    recipient_id: str
    accepted: int
    message_ids: tuple[str, ...]
    opens: int
    clicks: int
    facts: tuple[str, ...]


class _Account:
    """The running record of one recipient; slots and bits, for there may be a million."""

    __slots__ = ("accepted", "address", "clicks", "facts", "message_ids", "opens")

    def __init__(self, address: str) -> None:
        self.address = address
        self.accepted = 0
        self.opens = 0
        self.clicks = 0
        self.facts = 0
        self.message_ids: tuple[str, ...] = ()


class _Book:
    """One campaign's accounts by recipient id, and its counts."""

    __slots__ = ("accounts", "counts")

    def __init__(self) -> None:
        self.accounts: dict[str, _Account] = {}
        self.counts: Counter[str] = Counter()


class Ledger:
    """Accounts by campaign and recipient, taken from the tags `campaign_id` and `recipient_id`.

    Mail without those tags is filed under campaign "" and its address. With `keep="none"` only totals are
    kept, and nobody can say what was a duplicate.
    """

    def __init__(self, keep: Keep) -> None:
        """Start empty."""
        self._keep = keep
        self._books: dict[str, _Book] = {}

    def accept(self, mails: Iterable[Mail]) -> None:
        """Record emails accepted by SES."""
        for mail in mails:
            book, account = self._open_account(mail)
            book.counts["accepted"] += 1
            if account is None:
                continue
            if account.accepted:
                book.counts["duplicates"] += 1
            account.accepted += 1
            if self._keep == "all":
                account.message_ids += (mail.message_id,)

    def mark(self, mail: Mail, fact: Fact) -> None:
        """Record a fact about the recipient of an email; a second time changes nothing."""
        book, account = self._open_account(mail)
        if account is None:
            book.counts[fact.name.lower()] += 1
            return
        if account.facts & fact.value:
            return
        known, account.facts = account.facts, account.facts | fact.value
        book.counts[fact.name.lower()] += 1
        if fact is Fact.CLICKED and not known & Fact.OPENED.value:
            book.counts["opened_by_click"] += 1
        elif fact is Fact.OPENED and known & Fact.CLICKED.value:
            book.counts["opened_by_click"] -= 1

    def count(self, mail: Mail, what: str, by: int = 1) -> None:
        """Add to a count that repeats: `opens`, `clicks`, `events`, `machine_requests`, `unanswered`."""
        book, account = self._open_account(mail)
        book.counts[what] += by
        if account is not None and what == "opens":
            account.opens += by
        elif account is not None and what == "clicks":
            account.clicks += by

    def total(self, campaign_id: str | None) -> Totals:
        """Return the figures of one campaign, or of everything."""
        books = [self._books.get(campaign_id, _Book())] if campaign_id is not None else self._books.values()
        counts: Counter[str] = Counter()
        for book in books:
            counts.update(book.counts)
            counts["recipients"] += len(book.accounts)
        return Totals(**counts)

    def summarize(self, campaign_id: str | None, limit: int) -> list[RecipientSummary]:
        """Return one summary a recipient, `limit` at most."""
        summaries: list[RecipientSummary] = []
        for campaign, book in self._books.items():
            if campaign_id in {None, campaign}:
                accounts = list(book.accounts.items())[: limit - len(summaries)]
                summaries += [_summarize(campaign, recipient, account) for recipient, account in accounts]
        return summaries

    def clear(self) -> None:
        """Forget everything."""
        self._books.clear()

    def _open_account(self, mail: Mail) -> tuple[_Book, _Account | None]:
        campaign, recipient = _find_owner(mail)
        book = self._books.get(campaign)
        if book is None:
            book = self._books[campaign] = _Book()
        if self._keep == "none":
            return book, None
        account = book.accounts.get(recipient)
        if account is None:
            account = book.accounts[recipient] = _Account(mail.address)
        return book, account


def _find_owner(mail: Mail) -> tuple[str, str]:
    campaign, recipient = "", mail.address
    for name, value in mail.tags:
        if name == "campaign_id":
            campaign = value
        elif name == "recipient_id":
            recipient = value
    return campaign, recipient


def _summarize(campaign: str, recipient: str, account: _Account) -> RecipientSummary:
    return RecipientSummary(
        address=account.address,
        campaign_id=campaign,
        recipient_id=recipient,
        accepted=account.accepted,
        message_ids=account.message_ids,
        opens=account.opens,
        clicks=account.clicks,
        facts=tuple(fact.name.lower() for fact in Fact if account.facts & fact.value),
    )
