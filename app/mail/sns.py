"""Is this SNS message what it says: from an allowed topic, signed by SNS of that topic's region?

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import binascii
import logging
from collections.abc import Mapping
from pathlib import Path

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from app.core import clock
from app.core.errors import Forbidden, Unavailable
from app.mail.certificates import (
    CertificateFailure,
    CertificateStore,
    SigningKey,
    read_pinned_certificates,
)
from app.mail.envelopes import Envelope, EnvelopeType
from app.mail.topics import is_certificate_url, is_confirmation_url

_log = logging.getLogger(__name__)

_CONFIRM_SECONDS = 5.0
_PADDING = PKCS1v15()
_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    # SNS still signs with SHA-1 unless the topic asks for version 2; the choice is the topic owner's.
    "1": hashes.SHA1(),  # noqa: S303
    "2": hashes.SHA256(),
}


class SnsVerifier:
    """Verifies SNS messages of the allowed topics, and confirms subscriptions to them.

    `pinned` maps a SigningCertURL to the PEM file it is answered from; such a URL is never fetched, and
    still has to be one that SNS could name. `sns_endpoint` replaces the origin of a SubscribeURL after it
    was checked (AWS_ENDPOINT_URL_SNS). Raise ValueError where a pinned file cannot be used.
    """

    def __init__(
        self,
        topics: frozenset[str],
        pinned: Mapping[str, Path | str],
        client: httpx.AsyncClient,
        *,
        sns_endpoint: str | None = None,
    ) -> None:
        """Read the pinned certificates; requests go out through `client`, which stays the caller's."""
        self._topics = topics
        self._client = client
        self._sns_endpoint = sns_endpoint
        self._certificates = CertificateStore(client, read_pinned_certificates(pinned))

    async def verify(self, envelope: Envelope) -> None:
        """Return if SNS signed the message for an allowed topic.

        Raise Forbidden otherwise, always the same, and Unavailable while the certificate cannot be
        fetched (SNS then tries again). No request goes out for a topic or a URL that is not allowed.
        """
        if envelope.topic_arn not in self._topics:
            raise _refuse("its topic is not allowed")
        if not is_certificate_url(envelope.certificate_url, envelope.topic_arn):
            raise _refuse("its SigningCertURL is not one of SNS in the topic's region")
        key = self._certificates.get(envelope.certificate_url)
        if key is None:
            key = await self._certificates.load(envelope.certificate_url)
        if key is CertificateFailure.UNREACHABLE:
            raise Unavailable("The SNS signing certificate cannot be fetched now.")
        if not isinstance(key, SigningKey):
            raise _refuse("there is no certificate at its SigningCertURL")
        if not key.is_valid_at(clock.now()):
            raise _refuse("its certificate is not valid now")
        if not _is_signed(envelope, key):
            raise _refuse("its signature does not match")

    async def confirm_subscription(self, envelope: Envelope) -> None:
        """Verify a SubscriptionConfirmation and visit its SubscribeURL.

        Raise Forbidden as `verify` does, and where the URL would not confirm this very topic at SNS of
        its region; Unavailable where the visit fails (SNS then sends the confirmation again).
        """
        await self.verify(envelope)
        if envelope.type is not EnvelopeType.SUBSCRIPTION_CONFIRMATION:
            raise _refuse("it confirms no subscription")
        if not is_confirmation_url(envelope.subscribe_url, envelope.topic_arn, envelope.token):
            raise _refuse("its SubscribeURL does not confirm its topic")
        try:
            response = await self._client.get(
                self._confirmation_target(envelope.subscribe_url),
                follow_redirects=False,
                timeout=_CONFIRM_SECONDS,
            )
        except httpx.HTTPError as error:
            raise Unavailable("The SNS subscription cannot be confirmed now.") from error
        if not response.is_success:
            raise Unavailable("SNS did not confirm the subscription.")

    async def aclose(self) -> None:
        """Give up certificate fetches under way."""
        await self._certificates.aclose()

    def _confirmation_target(self, subscribe_url: str) -> httpx.URL:
        url = httpx.URL(subscribe_url)
        if self._sns_endpoint is None:
            return url
        endpoint = httpx.URL(self._sns_endpoint)
        return url.copy_with(scheme=endpoint.scheme, host=endpoint.host, port=endpoint.port)


def _is_signed(envelope: Envelope, key: SigningKey) -> bool:
    """Check the RSA signature, version 1 (SHA-1) or 2 (SHA-256), PKCS #1 v1.5 (RFC 8017 §8.2)."""
    algorithm = _HASHES.get(envelope.signature_version)
    signature = _decode_signature(envelope.signature)
    if algorithm is None or signature is None:
        return False
    try:
        key.public_key.verify(signature, envelope.signed_text, _PADDING, algorithm)
    except InvalidSignature:
        return False
    return True


def _decode_signature(text: str) -> bytes | None:
    """Decode base64 in its one canonical spelling (RFC 4648 §3.5): a changed pad bit is a changed message."""
    try:
        signature = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return signature if base64.b64encode(signature).decode() == text else None


def _refuse(reason: str) -> Forbidden:
    """Return the one refusal there is; why is for the log alone, so that nobody can probe the rules."""
    _log.warning("SNS message refused: %s", reason)
    return Forbidden("This SNS message is refused.")
