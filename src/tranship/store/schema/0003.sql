-- Version 3: masking. What a token stands for, the keys that seal it, and who saw what.

-- Rows are changed where they lie, byte for byte of the same length (zeros for what is forgotten): keys have 16 signs, states and
-- moments the same size each. Rows by arrival, as people are. '-----' was somebody's, and is zeros.
CREATE TABLE token (
  pos INTEGER PRIMARY KEY,
  token TEXT NOT NULL,
  network TEXT NOT NULL,
  kind TEXT NOT NULL,
  scope TEXT NOT NULL,
  person_id TEXT NOT NULL,
  blind BLOB NOT NULL,
  sealed BLOB NOT NULL,
  key_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX token_token ON token (token, network) WHERE state <> 'gone';
CREATE UNIQUE INDEX token_blind ON token (blind) WHERE state = 'live';
CREATE INDEX token_scope ON token (scope);
CREATE INDEX token_person ON token (person_id) WHERE person_id <> '';

CREATE TABLE masking_key (
  pos INTEGER PRIMARY KEY,
  key_id TEXT NOT NULL,
  network TEXT NOT NULL,
  kind TEXT NOT NULL,
  purpose TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  kek_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX masking_key_id ON masking_key (key_id);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  op TEXT NOT NULL,
  network TEXT NOT NULL,
  route TEXT NOT NULL,
  policy TEXT NOT NULL,
  subject TEXT NOT NULL,
  person_id TEXT NOT NULL,
  fields BLOB NOT NULL,
  verdict TEXT NOT NULL,
  chain BLOB NOT NULL
) STRICT;

-- The newest audit row once more, so that rows cut off at the end are noticed.
ALTER TABLE meta ADD COLUMN audit_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN audit_chain BLOB NOT NULL DEFAULT x'';
