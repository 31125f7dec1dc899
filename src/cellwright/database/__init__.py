"""PostgreSQL at hand: embedded server, connections, migrations."""
