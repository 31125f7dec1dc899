"""Keys for security access: from a seed, by a secret."""

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

KeyOf = Callable[[int, bytes], bytes]
"""Returns the key for a level and a seed; a maker's own algorithm is a function of this shape."""


def cmac_key(secret: bytes) -> KeyOf:
    """Return the algorithm of the documented contract: AES-CMAC of level and seed. The secret has 16, 24 or 32 bytes."""
    cipher = AES(secret)

    def key_of(level: int, seed: bytes) -> bytes:
        mac = CMAC(cipher)
        mac.update(bytes((level,)) + seed)
        return mac.finalize()

    return key_of
