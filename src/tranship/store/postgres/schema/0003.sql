-- Version 3 of a shard on PostgreSQL: SKU aliases, the table of store/schema/0004.sql.

CREATE TABLE sku_alias (
  alias text COLLATE "C" PRIMARY KEY,
  network text COLLATE "C" NOT NULL,
  sku text COLLATE "C" NOT NULL,
  epoch bigint NOT NULL,
  state text COLLATE "C" NOT NULL,
  since bigint NOT NULL
);
CREATE INDEX audit_dispatch ON audit (subject) WHERE actor = 'engine';
