"""What leaves for a network: only what is on its list. Nothing else is ever passed."""
