-- What of the log is in archives, and the checkpoint that stands for the records that are gone.

ALTER TABLE settings ADD COLUMN retention INTEGER NOT NULL DEFAULT 0;

-- One row. `seq`, `end` and `chain` are those of the last record that is in an archive: the history begins after it. The
-- checkpoint has the tables as of record `folded`; the log has all records after that one. Zeros: all records are kept.
CREATE TABLE archive (
  no INTEGER PRIMARY KEY CHECK (no = 1), seq INTEGER NOT NULL DEFAULT 0, end INTEGER NOT NULL DEFAULT 0,
  chain BLOB NOT NULL DEFAULT (zeroblob(32)), folded INTEGER NOT NULL DEFAULT 0, folded_end INTEGER NOT NULL DEFAULT 0,
  folded_chain BLOB NOT NULL DEFAULT (zeroblob(32)), digest BLOB NOT NULL DEFAULT (zeroblob(32))
) STRICT;
INSERT INTO archive (no) VALUES (1);

-- The checkpoint: the pages of a catalog without a log. `sum` = SHA-256 of the body; the digest is that of all sums in order.
CREATE TABLE checkpoint (page INTEGER PRIMARY KEY, body BLOB NOT NULL, sum BLOB NOT NULL) STRICT;

-- The records of media that go.
CREATE INDEX touched_seq ON touched (seq);
