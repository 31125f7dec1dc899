"""Contract suites that every link and store must pass."""
