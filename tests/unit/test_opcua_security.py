from datetime import UTC, datetime
from pathlib import Path

import pytest
from asyncua import ua
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cellwright.links.contract import CertificateRefusedError, SecretRefusedError
from cellwright.links.opcua.limits import bounded_limits, is_oversized
from cellwright.links.opcua.security import (
    Credentials,
    Identity,
    TrustList,
    application_uri_of,
    first_certificate,
    load_credentials,
    load_identity,
    make_identity,
    save_credentials,
    save_identity,
    thumbprint,
)
from cellwright.links.opcua.worker import Backoff

NOW_US = 1_767_225_600_000_000
DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def identity() -> Identity:
    return make_identity("urn:test:machine", hosts=["press.plant", "10.0.0.7"], now_us=NOW_US, valid_days=30)


def trust_at(folder: Path, now_us: int = NOW_US) -> TrustList:
    return TrustList(folder, lambda: now_us)


def test_an_identity_is_an_application_certificate(identity: Identity) -> None:
    certificate = x509.load_der_x509_certificate(identity.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:test:machine"]
    assert names.get_values_for_type(x509.DNSName) == ["press.plant"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7"]
    assert certificate.not_valid_before_utc == datetime(2025, 12, 31, tzinfo=UTC)
    assert certificate.not_valid_after_utc == datetime(2026, 1, 31, tzinfo=UTC)
    assert identity.thumbprint == thumbprint(identity.certificate)


def test_an_identity_is_saved_privately_and_read_back(identity: Identity, tmp_path: Path) -> None:
    save_identity(identity, tmp_path / "own")
    save_identity(identity, tmp_path / "own")
    assert load_identity(tmp_path / "own") == identity
    assert (tmp_path / "own" / "private_key.pem").stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_may_read_is_refused(identity: Identity, tmp_path: Path) -> None:
    save_identity(identity, tmp_path)
    (tmp_path / "private_key.pem").chmod(0o644)
    with pytest.raises(SecretRefusedError, match="mode is 0644, expected 0600; run: chmod 600"):
        load_identity(tmp_path)


def test_a_missing_certificate_is_named(identity: Identity, tmp_path: Path) -> None:
    save_identity(identity, tmp_path)
    (tmp_path / "certificate.der").unlink()
    with pytest.raises(SecretRefusedError, match=r"certificate\.der: cannot be read"):
        load_identity(tmp_path)


def test_credentials_are_private_json(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "press.json"
    save_credentials(Credentials("mes", "p"), path)
    assert load_credentials(path) == Credentials("mes", "p")
    path.chmod(0o640)
    with pytest.raises(SecretRefusedError, match="expected 0600"):
        load_credentials(path)


@pytest.mark.parametrize("content", [b"{", b'{"user": "a"}', b'{"user": "a", "password": "b", "more": 1}'])
def test_malformed_credentials_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "press.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SecretRefusedError, match="expected"):
        load_credentials(path)


def test_missing_credentials_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretRefusedError, match="cannot be read"):
        load_credentials(tmp_path / "none.json")


def test_a_trusted_certificate_passes_also_at_the_head_of_a_chain(identity: Identity, tmp_path: Path) -> None:
    trust = trust_at(tmp_path)
    trust.add(identity.certificate)
    assert trust.check(identity.certificate) == identity.certificate
    assert trust.check(identity.certificate + identity.certificate) == identity.certificate
    assert trust.certificate_of("urn:test:machine") == identity.certificate


def test_an_unknown_certificate_is_refused_and_kept_for_comparison(identity: Identity, tmp_path: Path) -> None:
    with pytest.raises(CertificateRefusedError, match="urn:test:machine is unknown; compare the thumbprint"):
        trust_at(tmp_path).check(identity.certificate)
    kept = tmp_path / "rejected" / f"{identity.thumbprint}.der"
    assert kept.read_bytes() == identity.certificate


def test_a_changed_certificate_is_told_from_an_unknown_one(identity: Identity, tmp_path: Path) -> None:
    trust = trust_at(tmp_path)
    trust.add(identity.certificate)
    renewed = make_identity("urn:test:machine", hosts=[], now_us=NOW_US)
    with pytest.raises(CertificateRefusedError, match=f"is changed \\(trusted: {identity.thumbprint}"):
        trust.check(renewed.certificate)


@pytest.mark.parametrize("now_us", [NOW_US - 2 * DAY_US, NOW_US + 31 * DAY_US])
def test_a_certificate_out_of_its_time_is_refused(identity: Identity, tmp_path: Path, now_us: int) -> None:
    trust = trust_at(tmp_path, now_us)
    trust.add(identity.certificate)
    with pytest.raises(CertificateRefusedError, match="is valid from 2025-12-31 to 2026-01-31"):
        trust.check(identity.certificate)
    with pytest.raises(CertificateRefusedError, match="renew it"):
        trust.certificate_of("urn:test:machine")


def test_trusting_by_hand_needs_no_restart(identity: Identity, tmp_path: Path) -> None:
    trust = trust_at(tmp_path)
    with pytest.raises(CertificateRefusedError):
        trust.check(identity.certificate)
    (tmp_path / "trusted").mkdir()
    (tmp_path / "rejected" / f"{identity.thumbprint}.der").rename(tmp_path / "trusted" / "press.der")
    assert trust.check(identity.certificate) == identity.certificate


def test_two_certificates_of_one_application_are_one_too_many(identity: Identity, tmp_path: Path) -> None:
    trust = trust_at(tmp_path)
    trust.add(identity.certificate)
    trust.add(make_identity("urn:test:machine", hosts=[], now_us=NOW_US).certificate)
    with pytest.raises(CertificateRefusedError, match="expected exactly one certificate of urn:test:machine, found 2"):
        trust.certificate_of("urn:test:machine")


def test_rejected_certificates_do_not_fill_the_disk(tmp_path: Path) -> None:
    trust = trust_at(tmp_path)
    body = b"\x30\x82\x00\x02"
    for number in range(70):
        with pytest.raises(CertificateRefusedError):
            trust.check(body + number.to_bytes(2, "big"))
    assert len(list((tmp_path / "rejected").iterdir())) == 64


@pytest.mark.parametrize("junk", [b"", b"\x30", b"hello", b"\x30\x82"])
def test_junk_is_no_certificate(tmp_path: Path, junk: bytes) -> None:
    with pytest.raises(CertificateRefusedError):
        trust_at(tmp_path).check(junk)


def test_a_certificate_without_application_uri_is_refused(identity: Identity) -> None:
    assert application_uri_of(identity.certificate) == "urn:test:machine"
    pem = x509.load_der_x509_certificate(identity.certificate).public_bytes(Encoding.PEM)
    with pytest.raises(CertificateRefusedError, match="expected DER"):
        first_certificate(pem)
    with pytest.raises(CertificateRefusedError, match="no application URI"):
        application_uri_of(pem)


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        (None, False),
        (b"", False),
        (b"MSGF\xff\xff", False),
        (b"MSGF\xff\xff\x00\x00", False),
        (b"MSGF\x00\x00\x01\x00", True),
        (b"MSGF\xff\xff\xff\xff and more", True),
    ],
)
def test_an_announced_chunk_is_measured_before_it_arrives(waiting: bytes | None, *, expected: bool) -> None:
    assert is_oversized(waiting) is expected


def test_a_server_can_lower_our_limits_but_not_lift_them() -> None:
    limits = bounded_limits()
    limits.update_client_limits(acknowledge(size=0, chunks=0))
    assert (limits.max_message_size, limits.max_chunk_count) == (1024 * 1024, 64)
    limits.update_client_limits(acknowledge(size=2**31, chunks=10_000))
    assert (limits.max_message_size, limits.max_chunk_count) == (1024 * 1024, 64)
    limits.update_client_limits(acknowledge(size=70_000, chunks=2))
    assert (limits.max_message_size, limits.max_chunk_count) == (70_000, 2)


def acknowledge(*, size: int, chunks: int) -> ua.Acknowledge:
    return ua.Acknowledge(MaxMessageSize=ua.UInt32(size), MaxChunkCount=ua.UInt32(chunks))


def test_pauses_grow_to_a_limit_and_chance_only_shortens_them() -> None:
    pause = Backoff(first_s=0.2, max_s=10.0).pause_s
    assert [pause(attempt, 0.0) for attempt in (1, 2, 3, 6, 7, 5000)] == [0.2, 0.4, 0.8, 6.4, 10.0, 10.0]
    assert pause(7, 1.0) == 5.0
