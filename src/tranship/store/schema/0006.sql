-- Version 6: the live tokens of an order lie together in one index, so that a new order changes fewer pages.

DROP INDEX token_blind;
DROP INDEX token_scope;
CREATE UNIQUE INDEX token_place ON token (scope, blind) WHERE state = 'live';
