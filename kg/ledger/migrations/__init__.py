"""The history of the ledger's tables (Alembic); applied when a ledger is first used."""
