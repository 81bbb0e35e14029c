"""Core words of the house: money, quantities, SKUs, nodes, orders, the unit ledger. Pure: no clock, no randomness, no I/O."""
