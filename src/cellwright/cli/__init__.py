"""The command line: verbs for people and scripts."""
