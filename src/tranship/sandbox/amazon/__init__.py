"""A stand-in Amazon: Multi-Channel Fulfillment in both versions on one stock, sign-in, FBA inventory, notifications."""
