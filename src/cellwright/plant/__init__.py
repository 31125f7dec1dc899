"""The running shell: configuration, gate, stations."""
