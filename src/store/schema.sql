-- Schema 1. Numbers of states and kinds are those of domain/state.rs; times are UTC milliseconds; GUIDs are 16 bytes.
-- A change of the schema is a new file and a new entry of the list in migration.rs; this file never changes.

-- The catalog itself: object 1. Object numbers below `ceiling` may have been given out.
CREATE TABLE catalog (
  no INTEGER PRIMARY KEY CHECK (no = 1), id BLOB NOT NULL, created INTEGER NOT NULL, ceiling INTEGER NOT NULL
) STRICT;

-- The truth: every event as the line that history serves, `end` = offset of the byte after its newline,
-- checksum = CRC-32 of the line, chain = SHA-256 of the chain before and the line.
CREATE TABLE log (
  seq INTEGER PRIMARY KEY, end INTEGER NOT NULL, line TEXT NOT NULL, checksum INTEGER NOT NULL, chain BLOB NOT NULL
) STRICT;

CREATE TABLE media_type (
  no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sides INTEGER NOT NULL, read_write TEXT NOT NULL,
  description TEXT NOT NULL, modified INTEGER NOT NULL
) STRICT;

CREATE TABLE pool (
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, parent INTEGER NOT NULL, name TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '', kind INTEGER NOT NULL, media_type TEXT REFERENCES media_type (name),
  from_free INTEGER NOT NULL DEFAULT 0, to_free INTEGER NOT NULL DEFAULT 0, max_allocates INTEGER NOT NULL DEFAULT 0,
  selection INTEGER NOT NULL DEFAULT 0, default_timeout INTEGER, purge_time INTEGER,
  uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL, control INTEGER NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL,
  UNIQUE (parent, name)
) STRICT;
CREATE INDEX pool_order ON pool (parent, no);
CREATE INDEX pool_kind ON pool (kind, media_type, from_free);
CREATE INDEX pool_type ON pool (media_type) WHERE media_type IS NOT NULL;

CREATE TABLE library (
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, description TEXT NOT NULL DEFAULT '',
  driver TEXT NOT NULL DEFAULT '', enabled INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL,
  uid INTEGER NOT NULL, gid INTEGER NOT NULL, mode INTEGER NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;

-- Slots, drives and ports. What is in a slot is said by medium.slot alone.
CREATE TABLE element (
  no INTEGER PRIMARY KEY, library INTEGER NOT NULL REFERENCES library (no), kind INTEGER NOT NULL,
  number INTEGER NOT NULL, modified INTEGER NOT NULL,
  UNIQUE (library, kind, number)
) STRICT;

CREATE TABLE medium (
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, barcode TEXT UNIQUE,
  description TEXT NOT NULL, media_type TEXT NOT NULL, pool INTEGER NOT NULL REFERENCES pool (no),
  enabled INTEGER NOT NULL, library INTEGER REFERENCES library (no), slot INTEGER UNIQUE REFERENCES element (no),
  created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE INDEX medium_pool ON medium (pool, no);
CREATE INDEX medium_library ON medium (library, no) WHERE library IS NOT NULL;
CREATE INDEX medium_barcode ON medium (no) WHERE barcode IS NOT NULL;

-- pool, medium_name and standing are copies of the medium's, kept by the code that applies events, so that one
-- index answers a search. standing: 0 usable, 1 offline, 2 disabled. share: 0 all sides of the medium are
-- available, 1 another side is owned, 2 anything else.
CREATE TABLE side (
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, medium INTEGER NOT NULL REFERENCES medium (no),
  ordinal INTEGER NOT NULL, pool INTEGER NOT NULL, medium_name TEXT NOT NULL, standing INTEGER NOT NULL,
  share INTEGER NOT NULL, state INTEGER NOT NULL, allocations INTEGER NOT NULL DEFAULT 0,
  mounts INTEGER NOT NULL DEFAULT 0, idle_since INTEGER NOT NULL, in_set INTEGER NOT NULL DEFAULT 0,
  modified INTEGER NOT NULL,
  UNIQUE (medium, ordinal)
) STRICT;
CREATE INDEX side_least_used ON side (pool, share, allocations, idle_since, medium_name, ordinal)
  WHERE state = 4 AND standing = 0;
CREATE INDEX side_by_name ON side (pool, share, medium_name, ordinal) WHERE state = 4 AND standing = 0;
CREATE INDEX side_oldest ON side (pool, share, no) WHERE state = 4 AND standing = 0;

-- How many sides of a pool have a state and a standing. Kept by the triggers below.
CREATE TABLE tally (
  pool INTEGER NOT NULL, state INTEGER NOT NULL, standing INTEGER NOT NULL, sides INTEGER NOT NULL,
  PRIMARY KEY (pool, state, standing)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER side_counted AFTER INSERT ON side BEGIN
  INSERT INTO tally VALUES (new.pool, new.state, new.standing, 1)
    ON CONFLICT DO UPDATE SET sides = sides + 1;
END;
CREATE TRIGGER side_uncounted AFTER DELETE ON side BEGIN
  UPDATE tally SET sides = sides - 1 WHERE pool = old.pool AND state = old.state AND standing = old.standing;
END;
CREATE TRIGGER side_recounted AFTER UPDATE OF pool, state, standing ON side
WHEN old.pool <> new.pool OR old.state <> new.state OR old.standing <> new.standing BEGIN
  UPDATE tally SET sides = sides - 1 WHERE pool = old.pool AND state = old.state AND standing = old.standing;
  INSERT INTO tally VALUES (new.pool, new.state, new.standing, 1)
    ON CONFLICT DO UPDATE SET sides = sides + 1;
END;

CREATE TABLE logical (
  no INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL,
  side INTEGER NOT NULL UNIQUE REFERENCES side (no), owner INTEGER NOT NULL,
  from_pool BLOB NOT NULL, from_path TEXT NOT NULL, was INTEGER NOT NULL, delivery INTEGER NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE INDEX logical_delivery ON logical (delivery, no) WHERE delivery <> 0;

CREATE TABLE operator (
  no INTEGER PRIMARY KEY, command INTEGER NOT NULL, message TEXT NOT NULL, state INTEGER NOT NULL,
  pool INTEGER, request INTEGER, uid INTEGER NOT NULL, submitted INTEGER NOT NULL, modified INTEGER NOT NULL
) STRICT;
CREATE INDEX operator_closed ON operator (modified) WHERE state >= 4;
CREATE INDEX operator_pool ON operator (pool) WHERE pool IS NOT NULL;

CREATE TABLE request (
  no INTEGER PRIMARY KEY, pool INTEGER NOT NULL REFERENCES pool (no), name TEXT, caller TEXT NOT NULL,
  body TEXT NOT NULL, whole INTEGER NOT NULL, state INTEGER NOT NULL, deadline INTEGER, operator INTEGER,
  result TEXT NOT NULL DEFAULT '', submitted INTEGER NOT NULL, modified INTEGER NOT NULL, purge INTEGER,
  UNIQUE (pool, name)
) STRICT;
CREATE INDEX request_order ON request (pool, no) WHERE name IS NOT NULL;
CREATE INDEX request_waiting ON request (pool, whole, no) WHERE state = 0;
CREATE INDEX request_open ON request (no) WHERE state = 0;
CREATE INDEX request_purge ON request (purge) WHERE state = 1;

CREATE TABLE work (
  no INTEGER PRIMARY KEY, library INTEGER NOT NULL REFERENCES library (no), kind INTEGER NOT NULL,
  queued INTEGER NOT NULL, finished INTEGER, error TEXT
) STRICT;
CREATE INDEX work_open ON work (no) WHERE finished IS NULL;
CREATE INDEX work_library ON work (library);
