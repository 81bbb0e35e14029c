"""How a face listens: HTTP/1.1 read in one way only, limits on every head, an address that is safe to open, a clean end."""
