"""What a client may ask of the server: bytes, nesting, connections, requests at once and per minute."""
