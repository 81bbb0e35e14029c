"""The command line: one verb per command, `--json` on every one, heavy imports only where they are used."""
