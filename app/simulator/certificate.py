"""The topic's own RSA key and self-signed certificate, kept in a directory so that a restart reuses them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from app.core import clock

_KEY_FILE = "signing-key.pem"
_PREFIX = "SimpleNotificationService-"


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """The key that signs and the certificate that proves it; `path` is the PEM file."""

    key: rsa.RSAPrivateKey
    path: Path

    @property
    def file_name(self) -> str:
        """The last part of SigningCertURL: `SimpleNotificationService-<hex>.pem`."""
        return self.path.name


def load_certificate(directory: Path, certificate_id: str | None = None) -> SigningCertificate:
    """Return the certificate kept in the directory, made there first when it has none."""
    key_file = directory / _KEY_FILE
    certificates = sorted(directory.glob(f"{_PREFIX}*.pem"))
    if not (key_file.exists() and certificates):
        return create_certificate(directory, certificate_id)
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        message = f"{key_file} is not an RSA key."
        raise TypeError(message)
    return SigningCertificate(key, certificates[0])


def create_certificate(directory: Path, certificate_id: str | None = None) -> SigningCertificate:
    """Make a key and certificate and write both; the key is readable by its owner alone.

    The certificate's file is named by the id, hexadecimal as SNS's are, or by its hash.
    """
    directory.mkdir(parents=True, exist_ok=True)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _self_sign(key)
    name = certificate_id or certificate.fingerprint(hashes.SHA256()).hex()[:32]
    path = directory / f"{_PREFIX}{name}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file = directory / _KEY_FILE
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return SigningCertificate(key, path)


def _self_sign(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = clock.now()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
