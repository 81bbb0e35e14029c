"""Simulated hand-over: one seed makes one world of networks that lie, lag and fall silent, and a judge that knows the truth."""
