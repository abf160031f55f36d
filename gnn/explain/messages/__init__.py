"""Everything that is said of a recommendation, in every language: a message says what is meant, a catalogue (`en.toml`, `zh.toml`) how it reads."""
