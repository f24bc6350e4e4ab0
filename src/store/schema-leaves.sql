-- Leaves of system pools that nobody made or changed go when nothing uses their media type; those that are kept stay.
ALTER TABLE pool ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
