"""The pages, one module each, and what only they need."""
