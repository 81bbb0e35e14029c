"""What the masking proxy costs: processor time a request and added latency, beside the same shell passing bytes through."""
