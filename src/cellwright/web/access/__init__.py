"""Who may see and do what: accounts, sessions, tokens, permissions."""
