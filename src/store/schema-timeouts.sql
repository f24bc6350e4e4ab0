-- Requests to a person that time out: then their state is refused, and `timed_out` says why.
ALTER TABLE operator ADD COLUMN deadline INTEGER;
ALTER TABLE operator ADD COLUMN timed_out INTEGER NOT NULL DEFAULT 0;
