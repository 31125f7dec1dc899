"""Facts at rest: inbox, append, read, outbox."""
