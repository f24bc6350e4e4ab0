-- Whether the owner of a logical medium has said what is written on its side. Only then is the label compared at a mount: the
-- next owner may have written over what an earlier one had there.
ALTER TABLE logical ADD COLUMN labelled INTEGER NOT NULL DEFAULT 0;
UPDATE logical SET labelled = 1 WHERE
  (SELECT max(seq) FROM log WHERE line LIKE '%"labelled"%' AND json_extract(line, '$.detail.event') = 'logical_changed'
   AND json_extract(line, '$.detail.logical.no') = logical.no AND json_extract(line, '$.detail.change.labelled.label.id') <> '')
  > coalesce((SELECT max(seq) FROM log WHERE line LIKE '%"swapped"%' AND json_extract(line, '$.detail.event') = 'swapped'
   AND logical.no IN (json_extract(line, '$.detail.swap.logical.no'), json_extract(line, '$.detail.swap.other.no'))), 0);
