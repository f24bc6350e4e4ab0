-- Requests for several media: the request that a piece of work is a part of. Such a piece has no name.
ALTER TABLE work ADD COLUMN part_of INTEGER;
CREATE INDEX work_part ON work (part_of, no) WHERE part_of IS NOT NULL;
