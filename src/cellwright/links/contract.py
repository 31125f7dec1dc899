"""What every link has in common: its errors.

LinkError (a CellwrightError)
+-- CertificateRefusedError
+-- SecretRefusedError
+-- StationContractError
"""

from typing import Protocol

from cellwright.errors import CellwrightError


class LinkError(CellwrightError):
    """A link to equipment cannot be used."""


class CertificateRefusedError(LinkError):
    """A certificate is unknown, expired, changed or of the wrong application."""


class SecretRefusedError(LinkError):
    """A file with a secret is missing, malformed or open to others."""


class StationContractError(LinkError):
    """A server does not offer the station contract as documented."""


class Link(Protocol):
    """A running connection to equipment; it serves until cancelled and reconnects by itself."""

    @property
    def name(self) -> str:
        """Name for logs and status pages."""
        ...

    async def run(self) -> None:
        """Serve for ever; cancel to stop."""
        ...
