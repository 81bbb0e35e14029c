"""HTTP service: orders in, answers after commit; OpenAPI without a CDN."""
