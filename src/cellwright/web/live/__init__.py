"""Live data: topics that are read once and sent to everyone who watches them."""
