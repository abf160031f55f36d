"""What an operator runs around the rebuild: the schedule, the state, backups, and what is wrong with a machine."""
