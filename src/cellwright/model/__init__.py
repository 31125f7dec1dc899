"""What things are: frozen types with units; no input or output."""
