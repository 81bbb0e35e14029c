-- Version 1 of a run's database. Tables and columns are the row types of store/port.py, in their order.
-- STRICT: a text in an integer column is refused. WITHOUT ROWID: rows lie in the order of their key, one page write less each.

-- One row. epoch: raised by every writer that opens the run, so that a writer that was replaced cannot commit.
-- seq, chain: the newest journal row once more, so that a journal cut off at its end is noticed.
-- key_id: which key file sealed the people. scrub: an erasure has not yet left every file.
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  party TEXT NOT NULL,
  created INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  chain BLOB NOT NULL,
  key_id BLOB NOT NULL,
  scrub INTEGER NOT NULL
) STRICT;

CREATE TABLE command (
  key TEXT PRIMARY KEY,
  fingerprint BLOB NOT NULL,
  seq INTEGER NOT NULL,
  reply BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL,
  n INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  payload BLOB NOT NULL,
  chain BLOB NOT NULL
) STRICT;

CREATE TABLE orders (
  order_id TEXT PRIMARY KEY,
  source TEXT NOT NULL,
  number TEXT NOT NULL,
  channel TEXT NOT NULL,
  placed_at INTEGER NOT NULL,
  person_id TEXT NOT NULL,
  zip TEXT NOT NULL,
  state TEXT NOT NULL,
  country TEXT NOT NULL,
  lines INTEGER NOT NULL,
  units INTEGER NOT NULL,
  value_minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  deliver_by INTEGER NOT NULL,
  status TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX orders_number ON orders (number, source);

CREATE TABLE order_line (
  order_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  key TEXT NOT NULL,
  sku TEXT NOT NULL,
  qty INTEGER NOT NULL,
  unit_price_minor INTEGER NOT NULL,
  PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE part (
  part_id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL,
  node TEXT NOT NULL,
  network TEXT NOT NULL,
  committed_at INTEGER NOT NULL,
  ship_day INTEGER NOT NULL,
  deliver_day INTEGER NOT NULL,
  late INTEGER NOT NULL,
  units INTEGER NOT NULL,
  cost INTEGER NOT NULL,
  status TEXT NOT NULL,
  lines BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX part_order ON part (order_id);

CREATE TABLE parked (
  park_id TEXT PRIMARY KEY,
  order_id TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  until_day INTEGER NOT NULL,
  units INTEGER NOT NULL,
  lines BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX parked_order ON parked (order_id);

-- Buckets 0, 1 and 14 (opening, supplier, unaccounted; core/ledger.py) may be negative, a shelf never.
CREATE TABLE stock (
  node TEXT NOT NULL,
  sku TEXT NOT NULL,
  bucket INTEGER NOT NULL,
  qty INTEGER NOT NULL CHECK (qty >= 0 OR bucket IN (0, 1, 14)),
  PRIMARY KEY (node, sku, bucket)
) STRICT, WITHOUT ROWID;

-- A queue: rows leave once they are handed over; what was to be sent stays in the journal.
CREATE TABLE outbox (
  pos INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  topic TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX outbox_id ON outbox (id);

-- Rows by arrival: appending never moves a row to another page, so that a deleted row leaves no stale copy behind.
CREATE TABLE person (
  pos INTEGER PRIMARY KEY,
  person_id TEXT NOT NULL,
  blind BLOB NOT NULL,
  wrapped_key BLOB NOT NULL,
  sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX person_id ON person (person_id);
CREATE UNIQUE INDEX person_blind ON person (blind) WHERE blind <> x'';

CREATE TABLE exception (
  pos INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;

CREATE TABLE document (
  pos INTEGER PRIMARY KEY,
  sha256 TEXT NOT NULL,
  kind TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX document_sha256 ON document (sha256);
