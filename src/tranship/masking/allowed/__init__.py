"""One module per network's dialect: `ALLOWED` (kind -> operation -> leaf -> rule) and `FITS` (kind -> lengths of an address)."""
