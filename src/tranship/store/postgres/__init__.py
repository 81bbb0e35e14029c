"""The store on a PostgreSQL server: the same port, tables and statements as store/sqlite.py, in the second dialect."""
