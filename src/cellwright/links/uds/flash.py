"""Flashing a BMS: the image is checked, memory erased, blocks sent and sent again, and the whole verified."""

from hashlib import sha256

from msgspec import Struct

from cellwright.links.uds.contract import BmsContract
from cellwright.links.uds.failures import Failure, FailureCode, UdsError
from cellwright.links.uds.session import PROGRAMMING_SESSION, Session

_TRANSFER_HEADER = 2
"""Service and block counter stand before the data of a block."""
_MESSAGE_MAX = 4095
"""What the first frame of a classical ISO-TP message can announce, whatever a BMS says that it takes."""


class FlashImage(Struct, frozen=True, kw_only=True):
    """Software for a BMS: its bytes, what it must hash to, and how the BMS names it once it runs."""

    data: bytes
    sha256: str
    """Hexadecimal, from the release, not computed from `data`."""
    software_id: str


def check_image(image: FlashImage, contract: BmsContract) -> Failure | None:
    """Return why an image must not be flashed, before anything is touched; None = it may."""
    found = sha256(image.data).hexdigest()
    if found != image.sha256.lower():
        text = f"the image has SHA-256 {found}, its release says {image.sha256.lower()}; get the released file again"
        return Failure(code=FailureCode.WRONG_HASH, step="image", text=text)
    if not 0 < len(image.data) <= contract.memory.size:
        text = f"the image has {len(image.data)} bytes; 1 to {contract.memory.size} fit into the memory of the BMS"
        return Failure(code=FailureCode.IMAGE_SIZE, step="image", text=text)
    return None


def flash(session: Session, image: FlashImage) -> int:
    """Erase, send and verify; returns how many blocks.

    Raises UdsError; the BMS is then `incomplete` and can be flashed again from the start.
    """
    memory = session.contract.memory
    session.change(PROGRAMMING_SESSION, step="programming session")
    session.unlock(step="security access")
    place = memory.address.to_bytes(4) + len(image.data).to_bytes(4)
    _expect_zero(session.routine(memory.erase_routine, b"\x44" + place, step="erase"), FailureCode.NOT_ERASED, "erase")
    largest = min(session.request_download(len(image.data), step="request download"), _MESSAGE_MAX)
    count = _send(session, image.data, largest - _TRANSFER_HEADER)
    session.transfer_exit(step="transfer exit")
    result = session.routine(memory.verify_routine, bytes.fromhex(image.sha256), step="verify")
    _expect_zero(result, FailureCode.NOT_VERIFIED, "verify")
    return count


def _send(session: Session, data: bytes, length: int) -> int:
    """Send all blocks; a repeated one is known to the BMS by its counter."""
    if length < 1:
        text = "request download: the BMS takes messages of no length; it does not keep to ISO 14229"
        raise UdsError(Failure(code=FailureCode.WRONG_ANSWER, step="request download", text=text))
    blocks = [data[at : at + length] for at in range(0, len(data), length)]
    for index, block in enumerate(blocks, 1):
        session.transfer(index % 256, block, step="transfer")
    return len(blocks)


def _expect_zero(result: bytes, code: FailureCode, step: str) -> None:
    if result[:1] != b"\x00":
        text = (
            f"{step}: the BMS says that it did not succeed (result {result.hex() or 'none'}); flash again, and if it "
        )
        raise UdsError(Failure(code=code, step=step, text=text + "fails again, take the BMS out"))
