"""The leak budget: which orders a network that is also a competitor may see at all, so that it learns little from them."""
