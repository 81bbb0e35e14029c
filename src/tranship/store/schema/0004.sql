-- Version 4: SKU aliases, what networks call articles. No alias is ever used for two of them.

CREATE TABLE sku_alias (
  alias TEXT PRIMARY KEY,
  network TEXT NOT NULL,
  sku TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
