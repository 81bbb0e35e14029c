-- Version 5 of a shard on PostgreSQL: what store/schema/0006.sql does for a folder. The live tokens of an order lie together.

DROP INDEX token_blind;
DROP INDEX token_scope;
CREATE UNIQUE INDEX token_place ON token (scope, blind) WHERE state = 'live';
