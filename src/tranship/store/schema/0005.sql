-- Version 5: households, so that a leak budget knows an address again without keeping it. The id is random; orders carry it.

-- A row for each person at an address; the index finds the address by a keyed digest. '-----' was somebody's, and is zeros.
CREATE TABLE household (
  pos INTEGER PRIMARY KEY,
  household_id TEXT NOT NULL,
  person_id TEXT NOT NULL,
  blind BLOB NOT NULL
) STRICT;
CREATE INDEX household_blind ON household (blind);
CREATE INDEX household_person ON household (person_id) WHERE person_id <> '';
