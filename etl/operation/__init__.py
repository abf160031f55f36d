"""What an operator runs around the rebuild: the schedule, the state, backups, what is wrong with a machine, what differs between builds."""
