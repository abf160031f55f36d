"""The knowledge graph as tables: build, corrections, hygiene, and the exact delta of a change."""
