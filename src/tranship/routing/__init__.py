"""Routing: which node ships what, under which limits, and why. Pure; the numba kernel and its Python twin give the same answer."""
