"""Facts as the tables that people ask for; each view knows nothing of the others."""
