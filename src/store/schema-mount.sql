-- Library requests, the queue of work, and what is in the drives. Numbers of states are those of domain/state.rs.

ALTER TABLE work ADD COLUMN name TEXT;
ALTER TABLE work ADD COLUMN caller TEXT NOT NULL DEFAULT '';
ALTER TABLE work ADD COLUMN body TEXT NOT NULL DEFAULT '';
ALTER TABLE work ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work ADD COLUMN rank INTEGER NOT NULL DEFAULT 0;
ALTER TABLE work ADD COLUMN medium INTEGER;
ALTER TABLE work ADD COLUMN drive INTEGER;
ALTER TABLE work ADD COLUMN deadline INTEGER;
ALTER TABLE work ADD COLUMN operator INTEGER;
ALTER TABLE work ADD COLUMN result TEXT NOT NULL DEFAULT '';
ALTER TABLE work ADD COLUMN modified INTEGER NOT NULL DEFAULT 0;
UPDATE work SET rank = no, modified = coalesce(finished, queued),
  state = CASE WHEN finished IS NULL THEN 0 WHEN error IS NULL THEN 2 ELSE 3 END;
CREATE UNIQUE INDEX work_name ON work (library, name) WHERE name IS NOT NULL;
CREATE INDEX work_named ON work (library, no) WHERE name IS NOT NULL;
CREATE INDEX work_queue ON work (library, priority, rank, no) WHERE finished IS NULL;
CREATE INDEX work_medium ON work (medium) WHERE finished IS NULL;
CREATE INDEX work_operator ON work (operator) WHERE operator IS NOT NULL;
CREATE INDEX work_done ON work (finished) WHERE finished IS NOT NULL;

-- What is in a drive. state: 1 not ready yet, 2 somebody has it, 5 it is being taken out, 7 nobody has it.
CREATE TABLE mounted (
  drive INTEGER PRIMARY KEY REFERENCES element (no), library INTEGER NOT NULL REFERENCES library (no),
  medium INTEGER NOT NULL UNIQUE REFERENCES medium (no), side INTEGER NOT NULL REFERENCES side (no),
  state INTEGER NOT NULL, uid INTEGER NOT NULL, writes INTEGER NOT NULL, device TEXT NOT NULL DEFAULT '',
  modified INTEGER NOT NULL
) STRICT;
CREATE INDEX mounted_library ON mounted (library);
