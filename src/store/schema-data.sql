-- Attributes that users give objects, and which records of the log concern which medium.
-- Times are UTC milliseconds; GUIDs are 16 bytes.

-- user.* attributes of any object. An object that goes takes its attributes with it.
CREATE TABLE attribute (
  object INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (object, name)
) STRICT;
CREATE TRIGGER attribute_of_pool AFTER DELETE ON pool BEGIN DELETE FROM attribute WHERE object = old.no; END;
CREATE TRIGGER attribute_of_library AFTER DELETE ON library BEGIN DELETE FROM attribute WHERE object = old.no; END;
CREATE TRIGGER attribute_of_element AFTER DELETE ON element BEGIN DELETE FROM attribute WHERE object = old.no; END;
CREATE TRIGGER attribute_of_medium AFTER DELETE ON medium BEGIN DELETE FROM attribute WHERE object = old.no; END;
CREATE TRIGGER attribute_of_side AFTER DELETE ON side BEGIN DELETE FROM attribute WHERE object = old.no; END;
CREATE TRIGGER attribute_of_logical AFTER DELETE ON logical BEGIN DELETE FROM attribute WHERE object = old.no; END;
CREATE TRIGGER attribute_of_operator AFTER DELETE ON operator BEGIN DELETE FROM attribute WHERE object = old.no; END;
CREATE TRIGGER attribute_of_type AFTER DELETE ON media_type BEGIN DELETE FROM attribute WHERE object = old.no; END;

-- The history of each medium: `end` = offset, in that history, of the byte after the newline of record `seq`.
CREATE TABLE touched (
  medium INTEGER NOT NULL, end INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (medium, end)
) STRICT, WITHOUT ROWID;
