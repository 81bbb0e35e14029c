"""Recorded years, derived worlds and rehearsals: the real engine on a virtual clock."""
