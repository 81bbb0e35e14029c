"""Rehearsed outages: a run's own orders, production code on a virtual clock, stand-in networks that fail as told. The run is only read."""
