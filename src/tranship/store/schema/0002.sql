-- Version 2: handing over. What was sent where, the sealed bytes of it, and orders whose address is not their person's own.
-- Rows by arrival, as people are: remote ids are random, and a tree in their order would touch a page a row.

CREATE TABLE dispatch (
  pos INTEGER PRIMARY KEY,
  remote_id TEXT NOT NULL,
  part_id TEXT NOT NULL,
  order_id TEXT NOT NULL,
  node TEXT NOT NULL,
  connection TEXT NOT NULL,
  state TEXT NOT NULL,
  wish TEXT NOT NULL,
  remote TEXT NOT NULL,
  their_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  since INTEGER NOT NULL,
  why TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX dispatch_remote_id ON dispatch (remote_id);
CREATE INDEX dispatch_order ON dispatch (order_id);

-- Sealed under the key of person_id; '' is nobody's and stays when people are erased; '-----' was theirs, and is zeros.
CREATE TABLE payload (
  pos INTEGER PRIMARY KEY,
  remote_id TEXT NOT NULL,
  person_id TEXT NOT NULL,
  sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX payload_remote_id ON payload (remote_id);
CREATE INDEX payload_person ON payload (person_id) WHERE person_id <> '';

CREATE TABLE address (
  pos INTEGER PRIMARY KEY,
  order_id TEXT NOT NULL,
  person_id TEXT NOT NULL,
  sealed BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX address_order_id ON address (order_id);
CREATE INDEX address_person ON address (person_id) WHERE person_id <> '';
