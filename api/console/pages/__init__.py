"""The console's pages, one module each, which registers it."""
