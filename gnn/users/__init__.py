"""Users: their events, interests and profile."""
