"""Cellwright runs a traction-battery plant from powder to PACK and watches its packs on the road."""

__version__ = "0.1.0"
