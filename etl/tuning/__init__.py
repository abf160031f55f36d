"""`reckon tune`: the search for settings within some minutes."""
