-- A medium that an inventory found without a bar code has its name by the rule of names, until a person gives it one.
ALTER TABLE medium ADD COLUMN by_rule INTEGER NOT NULL DEFAULT 0;
