"""The supervisor of a line: it observes, decides by `rules.dispatching`, and acts, one thing at a time."""
