"""Certificates, trust and passwords of OPC UA: self-made identities and an explicit list of trusted certificates.

A folder of trust holds `trusted/*.der`. Nothing but a person puts a file there; a refused certificate is kept in
`rejected/` (a bounded number), named by its thumbprint, so that a person can compare and move it.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cellwright.links.contract import CertificateRefusedError, SecretRefusedError

WallClock = Callable[[], int]
"""Returns the real time, UTC us: certificates expire in real time, not in plant time."""

KEY_BITS = 2048
VALID_DAYS = 3650
_REJECTED_COUNT_MAX = 64
_SECRET_MODE = 0o600
_CERTIFICATE_FILE = "certificate.der"
_KEY_FILE = "private_key.pem"
_US_PER_SECOND = 1_000_000


class Identity(msgspec.Struct, frozen=True):
    """An application's own certificate (DER) and private key (PEM)."""

    application_uri: str
    certificate: bytes
    private_key: bytes

    @property
    def thumbprint(self) -> str:
        """SHA-256 of the certificate, hex: what people compare."""
        return thumbprint(self.certificate)


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """User name and password that the MES shows to machines."""

    user: str
    password: str


def thumbprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate (DER), hex."""
    return hashlib.sha256(certificate).hexdigest()


def first_certificate(chain: bytes) -> bytes:
    """Return the leading certificate of a DER chain. Raises CertificateRefusedError when there is none."""
    long_form = 0x80
    if len(chain) < 2 or chain[0] != 0x30:
        raise CertificateRefusedError("certificate: expected DER, got other bytes; send the certificate as DER")
    width = chain[1] & 0x7F if chain[1] & long_form else 0
    size = int.from_bytes(chain[2 : 2 + width], "big") if width else chain[1]
    return chain[: 2 + width + size]


def make_identity(application_uri: str, *, hosts: Sequence[str], now_us: int, valid_days: int = VALID_DAYS) -> Identity:
    """Make a key and a self-signed application certificate (OPC 10000-6, 6.2.2), valid from a day before now."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, application_uri[:64])])
    begin = datetime.fromtimestamp(now_us // _US_PER_SECOND, UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=1 + valid_days))
    )
    for extension, critical in _extensions(application_uri, hosts, key.public_key()):
        builder = builder.add_extension(extension, critical=critical)
    certificate = builder.sign(key, hashes.SHA256())
    return Identity(
        application_uri,
        certificate.public_bytes(serialization.Encoding.DER),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _extensions(
    application_uri: str, hosts: Sequence[str], public_key: rsa.RSAPublicKey
) -> list[tuple[x509.ExtensionType, bool]]:
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(application_uri)]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,  # a self-signed certificate is its own issuer
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return [
        (x509.SubjectAlternativeName(names + [_host_name(host) for host in hosts]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (usage, True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public_key), False),
    ]


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def save_identity(identity: Identity, folder: Path) -> None:
    """Write certificate and key (0600) into a folder of mode 0700."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_secret(folder / _KEY_FILE, identity.private_key)
    (folder / _CERTIFICATE_FILE).write_bytes(identity.certificate)


def load_identity(folder: Path) -> Identity:
    """Read what `save_identity` wrote. Raises SecretRefusedError when the key is missing or open to others."""
    key = read_secret(folder / _KEY_FILE)
    try:
        certificate = (folder / _CERTIFICATE_FILE).read_bytes()
    except OSError as error:
        message = f"{folder / _CERTIFICATE_FILE}: cannot be read ({error.strerror}); make the identity again"
        raise SecretRefusedError(message) from error
    return Identity(application_uri_of(certificate), certificate, key)


def application_uri_of(certificate: bytes) -> str:
    """Return the application URI of a certificate (DER). Raises CertificateRefusedError when it has none."""
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return names.get_values_for_type(x509.UniformResourceIdentifier)[0]
    except (ValueError, IndexError, x509.ExtensionNotFound) as error:
        message = f"certificate {thumbprint(certificate)}: no application URI in its alternative names"
        raise CertificateRefusedError(message) from error


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read (0600), replacing it as a whole."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    draft.replace(path)


def read_secret(path: Path) -> bytes:
    """Read a file of mode 0600. Raises SecretRefusedError when it is missing or others may read it."""
    try:
        mode = path.stat().st_mode & 0o777
        content = path.read_bytes()
    except OSError as error:
        raise SecretRefusedError(f"{path}: cannot be read ({error.strerror}); expected a file of mode 0600") from error
    if mode & 0o077:
        raise SecretRefusedError(f"{path}: mode is {mode:04o}, expected 0600; run: chmod 600 {path}")
    return content


def save_credentials(credentials: Credentials, path: Path) -> None:
    """Write user and password as JSON (0600)."""
    write_secret(path, msgspec.json.encode(credentials))


def load_credentials(path: Path) -> Credentials:
    """Read user and password from a JSON file of mode 0600. Raises SecretRefusedError."""
    try:
        return msgspec.json.decode(read_secret(path), type=Credentials)
    except msgspec.DecodeError as error:
        message = f'{path}: {error}; expected {{"user": "...", "password": "..."}}'
        raise SecretRefusedError(message) from error


class TrustList:
    """The certificates a person trusted; read anew at every check, so trusting needs no restart."""

    def __init__(self, folder: Path, wall_us: WallClock) -> None:
        """Use `folder/trusted` and `folder/rejected`; `wall_us` is the real time."""
        self._trusted = folder / "trusted"
        self._rejected = folder / "rejected"
        self._wall_us = wall_us

    def add(self, certificate: bytes) -> Path:
        """Trust a certificate (DER): the act of a person."""
        self._trusted.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._trusted / f"{thumbprint(certificate)}.der"
        path.write_bytes(certificate)
        return path

    def certificates(self) -> tuple[bytes, ...]:
        """Return all trusted certificates (DER)."""
        return tuple(path.read_bytes() for path in sorted(self._trusted.glob("*.der")))

    def check(self, chain: bytes) -> bytes:
        """Return the leading certificate if trusted and in date. Raises CertificateRefusedError, keeps the refused."""
        certificate = first_certificate(chain)
        if certificate not in self.certificates():
            self._keep_rejected(certificate)
            raise CertificateRefusedError(_unknown(certificate, self.certificates(), self._trusted))
        self._check_dates(certificate)
        return certificate

    def certificate_of(self, application_uri: str) -> bytes:
        """Return the trusted, valid certificate of an application. Raises CertificateRefusedError."""
        found = [each for each in self.certificates() if application_uri_of(each) == application_uri]
        if len(found) != 1:
            message = (
                f"{self._trusted}: expected exactly one certificate of {application_uri}, found {len(found)}; "
                "put the machine's certificate (DER) there after comparing its thumbprint, and remove old ones"
            )
            raise CertificateRefusedError(message)
        self._check_dates(found[0])
        return found[0]

    def _check_dates(self, certificate: bytes) -> None:
        now = datetime.fromtimestamp(self._wall_us() // _US_PER_SECOND, UTC)
        parsed = x509.load_der_x509_certificate(certificate)
        if not parsed.not_valid_before_utc <= now <= parsed.not_valid_after_utc:
            message = (
                f"certificate {thumbprint(certificate)} is valid from {parsed.not_valid_before_utc:%Y-%m-%d} to "
                f"{parsed.not_valid_after_utc:%Y-%m-%d}, today is {now:%Y-%m-%d}; renew it and trust the new one"
            )
            raise CertificateRefusedError(message)

    def _keep_rejected(self, certificate: bytes) -> None:
        self._rejected.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sum(1 for _ in self._rejected.glob("*.der")) < _REJECTED_COUNT_MAX:
            (self._rejected / f"{thumbprint(certificate)}.der").write_bytes(certificate)


def _unknown(certificate: bytes, trusted: Sequence[bytes], folder: Path) -> str:
    uri = application_uri_of(certificate)
    known = [thumbprint(each) for each in trusted if application_uri_of(each) == uri]
    state = f"changed (trusted: {', '.join(known)})" if known else "unknown"
    return (
        f"certificate {thumbprint(certificate)} of {uri} is {state}; compare the thumbprint at the machine, "
        f"then put the file into {folder}"
    )


class LinkSecurity(msgspec.Struct, frozen=True):
    """What a client shows and whom it trusts."""

    identity: Identity
    credentials: Credentials
    trust: TrustList
