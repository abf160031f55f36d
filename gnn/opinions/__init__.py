"""Surges of negative opinion in many streams at once, with a bounded rate of false alarms."""
