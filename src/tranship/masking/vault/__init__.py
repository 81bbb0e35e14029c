"""What tokens stand for: keys, sealing, and sessions in which tokens are made and found. It knows keys and rows, not tables."""
