"""Prices that look ahead: what a unit on a shelf, a node's day and room under a cap are worth to the orders still to come."""
