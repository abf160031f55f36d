"""Rebuild jobs: builds, runs, tuning, the demo."""
