"""The domains schools send from: verified, signed by DKIM, aligned, and with a DMARC policy."""

from collections.abc import Sequence
from typing import Any

from app.core.diagnosis import Diagnosis, Verdict, find_notable, find_well, find_wrong
from app.mail.setup.clients import Aws, find
from app.mail.setup.doctor.dmarc import Resolver, find_dmarc


async def examine_sender(aws: Aws, resolver: Resolver, domain: str, addresses: Sequence[str]) -> Diagnosis:
    """Look at one domain and the addresses of it that schools send from (GetEmailIdentity).

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html
    """
    subject = f"sender {domain}"
    name, identity = await _find_identity(aws, domain)
    if identity is None:
        return await _examine_addresses(aws, subject, addresses)
    if not identity.get("VerifiedForSendingStatus"):
        remedy = "Publish the DNS records that the SES console shows for it."
        return find_wrong(subject, f"the identity {name} is not verified", remedy)
    faults = [*_find_faults(identity), *await _find_dmarc_faults(resolver, domain)]
    if not faults:
        return find_well(subject, f"verified as {name}, DKIM, MAIL FROM and DMARC in place")
    words = "; ".join(fault for fault, _ in faults)
    remedies = " ".join(remedy for _, remedy in faults)
    verdict = Verdict.WRONG if any("DKIM" in fault for fault, _ in faults) else Verdict.NOTE
    return Diagnosis(subject, verdict, f"verified as {name}; {words}", remedies)


async def _find_identity(aws: Aws, domain: str) -> tuple[str, dict[str, Any] | None]:
    """Return the identity that speaks for a domain: its own, or the nearest parent's.

    https://docs.aws.amazon.com/ses/latest/dg/creating-identities.html (a domain's subdomains are its too)
    """
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        name = ".".join(labels[start:])
        identity = await find(aws.ses.get_email_identity(EmailIdentity=name))
        if identity is not None:
            return name, identity
    return domain, None


async def _examine_addresses(aws: Aws, subject: str, addresses: Sequence[str]) -> Diagnosis:
    """Look at single addresses, where their domain is no identity."""
    for address in addresses:
        identity = await find(aws.ses.get_email_identity(EmailIdentity=address))
        if not (identity or {}).get("VerifiedForSendingStatus"):
            remedy = "Add the domain as an identity in SES, and publish its DNS records."
            return find_wrong(subject, "SES does not know it, nor every address schools send from", remedy)
    remedy = "Add the domain itself: without DKIM of its own its mail fails DMARC."
    return find_notable(subject, "only its addresses are verified, not the domain", remedy)


def _find_faults(identity: dict[str, Any]) -> list[tuple[str, str]]:
    faults = []
    dkim = identity.get("DkimAttributes", {})
    if not dkim.get("SigningEnabled") or dkim.get("Status") != "SUCCESS":
        state = str(dkim.get("Status", "off")).lower()
        faults.append((f"DKIM is {state}", "Publish the CNAME records that SES shows, and enable signing."))
    mail_from = identity.get("MailFromAttributes", {})
    if not mail_from.get("MailFromDomain"):
        faults.append(("no MAIL FROM domain of its own", "Set one, such as bounce.DOMAIN: it aligns SPF."))
    elif mail_from.get("MailFromDomainStatus") != "SUCCESS":
        state = str(mail_from.get("MailFromDomainStatus", "pending")).lower()
        words = f"MAIL FROM {mail_from['MailFromDomain']} is {state}"
        faults.append((words, "Publish its MX and TXT records."))
    return faults


async def _find_dmarc_faults(resolver: Resolver, domain: str) -> list[tuple[str, str]]:
    record = await find_dmarc(resolver, domain)
    if record is None:
        return []  # no answer says nothing
    if not record:
        return [("no DMARC record", f'Publish TXT "v=DMARC1; p=none; rua=mailto:…" at _dmarc.{domain}.')]
    return []
