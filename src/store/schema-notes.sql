-- Work of libraries has attributes of users as well, and takes them with it.
CREATE TRIGGER attribute_of_work AFTER DELETE ON work BEGIN DELETE FROM attribute WHERE object = old.no; END;
