"""How a process follows what others append to the ledger: read from the last watermark on, when the database or a watched file wakes it."""
