"""The embedded store: one SQLite file, one transaction a block."""
