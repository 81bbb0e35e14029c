"""Tranship: ship through anyone's supply chain without being owned by it."""
