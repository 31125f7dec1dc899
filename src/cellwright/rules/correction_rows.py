"""The row of a release of gauges' effects."""

from msgspec import Struct

from cellwright.model.corrections import GaugeEffect


class CorrectionRow(Struct, frozen=True, gc=False):
    """A version of the effects of a station's gauges on a characteristic; the newest is in force. Times UTC us."""

    id: int
    station: str
    operation: str
    characteristic: str
    version: int
    effects: tuple[GaugeEffect, ...]
    released_us: int
    released_by: str

    @property
    def key(self) -> int:
        """Number of the release in the plant."""
        return self.id
