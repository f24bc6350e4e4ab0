-- What the directories that sort media by state, owner and place need, and the counters of the whole catalog.
-- None of this is written by an allocation but logical_owner: the order of a side's states leaves out the two that it has
-- most, and a medium that changes its pool stays where it is.

CREATE INDEX side_unusual ON side (state, no) WHERE state <> 4 AND state <> 5;
CREATE INDEX logical_owner ON logical (owner, no);
CREATE INDEX medium_offline ON medium (no) WHERE library IS NULL;

-- How many objects of a kind there are. Kept by the triggers below; of a kind that allocations make there is none: logical
-- media are counted by the states of sides.
CREATE TABLE census (kind TEXT PRIMARY KEY, objects INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO census VALUES
  ('library', (SELECT count(*) FROM library)), ('media_type', (SELECT count(*) FROM media_type)),
  ('medium', (SELECT count(*) FROM medium)), ('pool', (SELECT count(*) FROM pool));
CREATE TRIGGER library_counted AFTER INSERT ON library BEGIN
  UPDATE census SET objects = objects + 1 WHERE kind = 'library';
END;
CREATE TRIGGER library_uncounted AFTER DELETE ON library BEGIN
  UPDATE census SET objects = objects - 1 WHERE kind = 'library';
END;
CREATE TRIGGER media_type_counted AFTER INSERT ON media_type BEGIN
  UPDATE census SET objects = objects + 1 WHERE kind = 'media_type';
END;
CREATE TRIGGER media_type_uncounted AFTER DELETE ON media_type BEGIN
  UPDATE census SET objects = objects - 1 WHERE kind = 'media_type';
END;
CREATE TRIGGER medium_counted AFTER INSERT ON medium BEGIN
  UPDATE census SET objects = objects + 1 WHERE kind = 'medium';
END;
CREATE TRIGGER medium_uncounted AFTER DELETE ON medium BEGIN
  UPDATE census SET objects = objects - 1 WHERE kind = 'medium';
END;
CREATE TRIGGER pool_counted AFTER INSERT ON pool BEGIN
  UPDATE census SET objects = objects + 1 WHERE kind = 'pool';
END;
CREATE TRIGGER pool_uncounted AFTER DELETE ON pool BEGIN
  UPDATE census SET objects = objects - 1 WHERE kind = 'pool';
END;

-- When a side of the medium was mounted last. Whatever counts a mount of a side sets it.
ALTER TABLE medium ADD COLUMN mounted INTEGER;
CREATE TRIGGER side_mounted AFTER UPDATE OF mounts ON side WHEN new.mounts > old.mounts BEGIN
  UPDATE medium SET mounted = new.modified WHERE no = new.medium;
END;
