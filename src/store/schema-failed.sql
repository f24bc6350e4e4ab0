-- Which records of the log say that something failed: a request that its owner did not cancel, work of a library, a request
-- to a person that was refused. Kept with each record; here for those that are there already.
CREATE TABLE failed (seq INTEGER PRIMARY KEY) STRICT;
INSERT INTO failed SELECT seq FROM log WHERE CASE WHEN json_valid(line) THEN
  json_extract(line, '$.detail.event') = 'request_failed' AND json_extract(line, '$.detail.code') <> 1223
  OR json_extract(line, '$.detail.event') = 'work_finished' AND json_extract(line, '$.detail.error') IS NOT NULL
  OR json_extract(line, '$.detail.change.ended.state') = 'failed'
  OR json_extract(line, '$.detail.event') = 'operator_changed' AND json_extract(line, '$.detail.state') = 'refused'
END;

-- Libraries that are in use and do not work.
CREATE INDEX library_troubled ON library (no) WHERE enabled = 1 AND state >= 20;
