"""A simulated brand and a year of its orders under a leak budget: where the figures of docs/leak-budget.md come from."""
