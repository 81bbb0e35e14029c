"""Stand-in networks on loopback, each a process of its own. Imports nothing from the rest of the program."""
