"""What may happen: pure decisions over state and page, and their application."""
