"""What the routes answer from: snapshot, ledger, availability, rules."""
