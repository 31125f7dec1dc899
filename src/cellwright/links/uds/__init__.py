"""A pack's battery management system over CAN: read, flash, configure and read back by UDS (ISO 14229, ISO 15765-2)."""
