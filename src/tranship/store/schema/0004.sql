-- Version 4: SKU aliases, what networks call articles (no alias is ever used for two of them), and audit rows by dispatch.

CREATE TABLE sku_alias (
  alias TEXT PRIMARY KEY,
  network TEXT NOT NULL,
  sku TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_dispatch ON audit (subject) WHERE actor = 'engine';
