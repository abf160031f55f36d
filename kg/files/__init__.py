"""Files that are whole or absent: JSON documents and journals."""
