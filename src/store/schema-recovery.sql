-- How a library looks what is in its slots, whether an error makes it look, and whether one has since something went well.
ALTER TABLE library ADD COLUMN inventory_method INTEGER NOT NULL DEFAULT 1;
ALTER TABLE library ADD COLUMN auto_recovery INTEGER NOT NULL DEFAULT 1;
ALTER TABLE library ADD COLUMN recovering INTEGER NOT NULL DEFAULT 0;
