"""The job door: the command line, the importers and the rebuild."""
