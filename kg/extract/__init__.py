"""From catalogue text to evidenced attributes. The only room that imports spaCy; this module itself does not."""
