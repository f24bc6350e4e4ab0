-- Operator requests of every kind: what they concern beside a pool. Any of it may be gone before the request is.
ALTER TABLE operator ADD COLUMN library INTEGER;
ALTER TABLE operator ADD COLUMN medium INTEGER;
ALTER TABLE operator ADD COLUMN element INTEGER;
CREATE INDEX operator_library ON operator (library) WHERE library IS NOT NULL;
CREATE INDEX operator_medium ON operator (medium) WHERE medium IS NOT NULL;
CREATE INDEX operator_open ON operator (no) WHERE state < 4;
CREATE INDEX operator_satisfied ON operator (modified) WHERE state = 5;

-- What holds for the whole system: one row. Times are milliseconds, no limit is NULL; `modified` is 0 before the first change.
CREATE TABLE settings (
  no INTEGER PRIMARY KEY CHECK (no = 1), operator_purge_time INTEGER DEFAULT 259200000,
  operator_auto_purge INTEGER NOT NULL DEFAULT 1, operator_keep_failed INTEGER NOT NULL DEFAULT 0,
  attended INTEGER NOT NULL DEFAULT 1, hook_timeout INTEGER DEFAULT 60000,
  hook_ages TEXT NOT NULL DEFAULT '1h 4h 24h', modified INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO settings (no) VALUES (1);
