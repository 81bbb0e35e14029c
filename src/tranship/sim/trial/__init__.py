"""`tranship try` and `tranship regret`: the commands of a run, carried out once more under changed rules; nothing is written to the run."""
