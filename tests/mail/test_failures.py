"""What the SDK raises, by whether a byte of the request may have left."""

import socket

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from botocore import exceptions as sdk

from app.mail.failures import classify_failure
from app.mail.types import OutcomeKind

URL = "http://127.0.0.1:1"
KEY = ConnectionKey("127.0.0.1", 1, False, True, None, None, None)
REFUSED = aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused"))
NO_SUCH_HOST = aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no such host"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (sdk.EndpointConnectionError(endpoint_url=URL, error=REFUSED), OutcomeKind.RETRY),
        (sdk.EndpointConnectionError(endpoint_url=URL, error=NO_SUCH_HOST), OutcomeKind.RETRY),
        (sdk.EndpointConnectionError(endpoint_url=URL, error=socket.gaierror(-2, "x")), OutcomeKind.RETRY),
        (sdk.ConnectTimeoutError(endpoint_url=URL, error="late"), OutcomeKind.RETRY),
        (sdk.SSLError(endpoint_url=URL, error="certificate"), OutcomeKind.RETRY),
        (sdk.ProxyConnectionError(proxy_url=URL, error="no"), OutcomeKind.RETRY),
        (
            sdk.EndpointConnectionError(endpoint_url=URL, error=aiohttp.ClientOSError(104, "reset")),
            OutcomeKind.UNKNOWN,
        ),
        (
            sdk.EndpointConnectionError(
                endpoint_url=URL, error=aiohttp.ClientConnectionResetError("closing")
            ),
            OutcomeKind.UNKNOWN,
        ),
        (sdk.EndpointConnectionError(endpoint_url=URL), OutcomeKind.UNKNOWN),
        (sdk.ReadTimeoutError(endpoint_url=URL, error="late"), OutcomeKind.UNKNOWN),
        (sdk.ConnectionClosedError(endpoint_url=URL, error="gone"), OutcomeKind.UNKNOWN),
        (sdk.HTTPClientError(error="what"), OutcomeKind.UNKNOWN),
        (sdk.NoCredentialsError(), OutcomeKind.HALT),
        (sdk.PartialCredentialsError(provider="env", cred_var="x"), OutcomeKind.HALT),
        (sdk.CredentialRetrievalError(provider="p", error_msg="m"), OutcomeKind.HALT),
        (sdk.TokenRetrievalError(provider="p", error_msg="m"), OutcomeKind.HALT),
        (sdk.SSOTokenLoadError(profile_name="p", error_msg="m"), OutcomeKind.HALT),
        (TimeoutError(), OutcomeKind.UNKNOWN),
        (ConnectionResetError(), OutcomeKind.UNKNOWN),
        (RecursionError(), OutcomeKind.UNKNOWN),
        (ValueError("garbage"), OutcomeKind.UNKNOWN),
    ],
)
def test_each_failure(error: Exception, kind: OutcomeKind) -> None:
    outcome = classify_failure(error, emails=2, sender="office@school.test")
    assert outcome.kind is kind
    assert outcome.code == type(error).__name__


@pytest.mark.parametrize("response", [{}, {"Error": {}}, {"Error": {"Code": None, "Message": None}}])
def test_a_refusal_that_says_nothing_is_unknown(response: dict[str, object]) -> None:
    error = sdk.ClientError(response, "SendBulkEmail")
    assert classify_failure(error, emails=2, sender="office@school.test").kind is OutcomeKind.UNKNOWN
