"""Where a run is kept: the port (`port`), SQLite behind it (`sqlite`), people (`people`), backups and checks."""
