-- The bar code that a medium was found with while another one had it: its own column is empty, because codes are unique.
ALTER TABLE medium ADD COLUMN twin TEXT;
CREATE INDEX medium_twin ON medium (twin, no) WHERE twin IS NOT NULL;
