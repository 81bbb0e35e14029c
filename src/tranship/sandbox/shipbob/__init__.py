"""A stand-in 3PL in ShipBob's dialect 2026-01: orders, shipments, inventory, receiving, returns, signed webhooks, simulations."""
