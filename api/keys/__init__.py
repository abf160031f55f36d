"""API keys: store, scopes, audit log, commands."""
