"""What a build holds, written for other programs: one module per format."""
