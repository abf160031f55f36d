"""The ledger: what arrives while the shop is open, kept durably in SQLite or PostgreSQL. The only door to SQLAlchemy."""
