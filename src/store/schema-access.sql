-- Access control lists, as JSON: what goes with mode, and with control. NULL = the bits say everything.
ALTER TABLE pool ADD COLUMN acl TEXT;
ALTER TABLE pool ADD COLUMN control_acl TEXT;
ALTER TABLE library ADD COLUMN acl TEXT;
