"""Outside systems, one folder each: settings, translate (pure), client (I/O)."""
