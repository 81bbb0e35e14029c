"""Carries out what the journal says is to be done at networks: calls, looks, counts. Knows the wire; decides nothing."""
