"""The masking proxy: for software that speaks to a network itself. Orders leave masked, answers come back unmasked."""
