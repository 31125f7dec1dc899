"""GB/T 32960, editions 2016 and 2025: frames of vehicles and platforms, decoded and encoded."""

from cellwright.links.gb32960.frames import decode_gb32960, encode_gb32960

__all__ = ["decode_gb32960", "encode_gb32960"]
