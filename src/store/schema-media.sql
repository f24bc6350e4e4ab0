-- Schema of rests, of what a pool wants, and of labels. A side rests while `rests_until` is set; its standing is then 3,
-- unless its medium is offline or disabled, so no search sees it. `want_operator` is the request to a person that is
-- open, or was refused, because a pool has fewer sides available than it wants.
ALTER TABLE pool ADD COLUMN reuse_delay INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN want_available INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pool ADD COLUMN want_operator INTEGER;
CREATE INDEX pool_wanting ON pool (media_type, no) WHERE want_available > 0;
CREATE INDEX pool_asking ON pool (want_operator) WHERE want_operator IS NOT NULL;

ALTER TABLE side ADD COLUMN rests_until INTEGER;
ALTER TABLE side ADD COLUMN label_type TEXT NOT NULL DEFAULT '';
ALTER TABLE side ADD COLUMN label_id TEXT NOT NULL DEFAULT '';
ALTER TABLE side ADD COLUMN label_info TEXT NOT NULL DEFAULT '';
ALTER TABLE side ADD COLUMN capacity INTEGER;
CREATE INDEX side_resting ON side (rests_until) WHERE rests_until IS NOT NULL;
