"""The three operations of SES v2 the product uses, from request parameters to answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from app.core import clock
from app.simulator.address import find_address_fault, find_domain
from app.simulator.envelope import (
    Params,
    address_mails,
    make_simple_envelope,
    make_template_envelope,
    override_pairs,
    read_pairs,
)
from app.simulator.errors import Refused, configuration_set_missing, identity_not_verified
from app.simulator.faults import Faults
from app.simulator.ledger import Ledger
from app.simulator.mailbox import Envelope, Mail, Mailbox, Pairs, make_message_ids
from app.simulator.quota import SendingQuota
from app.simulator.settings import LiveSettings
from app.simulator.template import parse_data
from app.simulator.validation import check_request, list_recipients
from app.simulator.world import World

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _BulkCall:
    """What the entries of one SendBulkEmail share; `checked` says whether it is held against the model."""

    envelope: Envelope
    headers: Pairs
    tags: Pairs
    checked: bool
    now: float


class Ses:
    """An SES account: checks requests, counts them against the quota, keeps the mail, tells the world."""

    def __init__(
        self,
        live: LiveSettings,
        *,
        faults: Faults,
        quota: SendingQuota,
        mailbox: Mailbox,
        ledger: Ledger,
        world: World,
    ) -> None:
        """Join the parts of the account."""
        self._live = live
        self._faults = faults
        self._quota = quota
        self._mailbox = mailbox
        self._ledger = ledger
        self._world = world
        self._check_due = 0.0

    def get_account(self, _params: Params) -> Answer:
        """Answer GetAccount."""
        sending = self._live.current.sending
        return {
            "DedicatedIpAutoWarmupEnabled": False,
            "EnforcementStatus": "HEALTHY",
            "ProductionAccessEnabled": sending.production_access,
            "SendQuota": {
                "Max24HourSend": sending.max_24_hour_send,
                "MaxSendRate": sending.max_send_rate,
                "SentLast24Hours": float(self._quota.count_last_day(clock.now().timestamp())),
            },
            "SendingEnabled": sending.sending_enabled,
            "SuppressionAttributes": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        }

    def send_bulk_email(self, params: Params) -> Answer:
        """Answer SendBulkEmail, an outcome for each entry; raises Refused when none was accepted."""
        checked = self._check("SendBulkEmail", params)
        now = clock.now().timestamp()
        self._quota.check(self._live.current.sending, now)
        template = params["DefaultContent"]["Template"]
        call = _BulkCall(
            envelope=make_template_envelope(params, template),
            headers=read_pairs(template.get("Headers", ())),
            tags=read_pairs(params.get("DefaultEmailTags", ())),
            checked=checked,
            now=now,
        )
        entries = params["BulkEmailEntries"]
        results: list[dict[str, str]] = []
        accepted: list[Mail] = []
        for entry, message_id in zip(entries, make_message_ids(len(entries), now), strict=True):
            failure = self._find_entry_failure(entry, call)
            if failure:
                results.append({"Status": failure[0], "Error": failure[1]})
            else:
                results.append({"Status": "SUCCESS", "MessageId": message_id})
                accepted += _read_entry(entry, message_id, call)
        self._accept(accepted, now)
        return {"BulkEmailEntryResults": results}

    def send_email(self, params: Params) -> Answer:
        """Answer SendEmail with Simple or inline Template content; raises Refused."""
        self._check("SendEmail", params)
        now = clock.now().timestamp()
        self._quota.check(self._live.current.sending, now)
        content = params["Content"]
        if "Template" in content:
            part = content["Template"]
            envelope = make_template_envelope(params, part)
        else:
            part = content["Simple"]
            envelope = make_simple_envelope(params, part)
        message_id = next(make_message_ids(1, now))
        mails = address_mails(
            message_id,
            list_recipients(params["Destination"]),
            envelope,
            data="",
            headers=read_pairs(part.get("Headers", ())),
            tags=read_pairs(params.get("EmailTags", ())),
            now=now,
        )
        self._accept(list(mails), now)
        return {"MessageId": message_id}

    def _accept(self, mails: list[Mail], now: float) -> None:
        self._quota.record(len(mails), now)
        self._mailbox.store(mails)
        self._ledger.accept(mails)
        self._world.receive(mails)

    def _check(self, operation: str, params: Params) -> bool:
        """Check what is asked; tell whether this request was in the share held against the model."""
        sending = self._live.current.sending
        self._check_due += sending.checked
        checked = self._check_due >= 1
        if checked:
            self._check_due -= 1
            check_request(operation, params)
        name = params.get("ConfigurationSetName")
        if name and sending.configuration_sets and name not in sending.configuration_sets:
            raise Refused(configuration_set_missing(name))
        sender = params["FromEmailAddress"]
        if find_domain(sender) in sending.unverified_domains:
            raise Refused(identity_not_verified(sender, self._live.current.region))
        return checked

    def _find_entry_failure(self, entry: Params, call: _BulkCall) -> tuple[str, str] | None:
        """Return status and words for an entry that SES takes out of a call it otherwise accepts."""
        recipients = list_recipients(entry["Destination"])
        if self._faults and recipients:
            status = self._faults.draw_for_entry("SendBulkEmail", recipients[0])
            if status and status != "SUCCESS":
                return status, f"{status.replace('_', ' ').capitalize()}."
        return _check_entry(recipients, _find_data(entry)) if call.checked else None


def _check_entry(recipients: Sequence[str], data: str) -> tuple[str, str] | None:
    if not recipients:
        return "INVALID_PARAMETER", "Destination must have at least one address."
    for fault in filter(None, map(find_address_fault, recipients)):
        return "INVALID_PARAMETER", fault
    try:
        parse_data(data)
    except ValueError:
        return "INVALID_PARAMETER", "ReplacementTemplateData is not a valid JSON object."
    return None


def _read_entry(entry: Params, message_id: str, call: _BulkCall) -> Iterator[Mail]:
    return address_mails(
        message_id,
        list_recipients(entry["Destination"]),
        call.envelope,
        data=_find_data(entry),
        headers=override_pairs(call.headers, read_pairs(entry.get("ReplacementHeaders", ()))),
        tags=override_pairs(call.tags, read_pairs(entry.get("ReplacementTags", ()))),
        now=call.now,
    )


def _find_data(entry: Params) -> str:
    replacement = entry.get("ReplacementEmailContent", {}).get("ReplacementTemplate", {})
    data: str = replacement.get("ReplacementTemplateData", "")
    return data


def list_addresses(params: Params) -> list[str]:
    """Return every address a request is for, whatever its operation."""
    entries = params.get("BulkEmailEntries", [params])
    return [address for entry in entries for address in list_recipients(entry.get("Destination", {}))]


def parse_params(body: bytes) -> Params:
    """Return the request's parameters; raises ValueError when the body is not a JSON object."""
    params = orjson.loads(body or b"{}")
    if not isinstance(params, dict):
        raise ValueError("The request must be a JSON object.")  # noqa: TRY004 - one error for any bad body
    return params
