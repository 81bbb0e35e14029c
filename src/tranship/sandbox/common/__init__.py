"""What every stand-in network shares: HTTP on loopback, a settable clock, faults, limits, validation, and what really happened."""
