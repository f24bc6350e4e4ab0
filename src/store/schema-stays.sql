-- How long a medium that nobody has stays in a drive, in milliseconds; NULL: until the drive is needed. Of drives alone.
ALTER TABLE element ADD COLUMN defer_delay INTEGER DEFAULT 300000;
CREATE INDEX mounted_spare ON mounted (drive) WHERE state = 7;
