"""The single writer: commands in, events out, rows beside the journal. The only room where pure code, connectors and store meet."""
