-- How much a user has of what is bounded (domain/quota.rs), by the key of the quota: kept by the triggers below, so that no
-- request counts rows. A user who has nothing of it has no row. Root's are counted too, and bounded by nothing.
CREATE TABLE held (
  uid INTEGER NOT NULL, quota TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (uid, quota)
) STRICT, WITHOUT ROWID;

-- Every change goes through here: what is inserted is added to what there is.
CREATE VIEW holding (uid, quota, amount) AS SELECT uid, quota, amount FROM held;
CREATE TRIGGER holding_changes INSTEAD OF INSERT ON holding BEGIN
  INSERT INTO held VALUES (new.uid, new.quota, new.amount) ON CONFLICT DO UPDATE SET amount = amount + new.amount;
  DELETE FROM held WHERE uid = new.uid AND quota = new.quota AND amount = 0;
END;

-- Requests to pools. One without a name has a row only while it waits.
CREATE TRIGGER request_held AFTER INSERT ON request BEGIN
  INSERT INTO holding SELECT json_extract(new.caller, '$.uid'), 'open_requests', 1 WHERE new.state = 0;
  INSERT INTO holding SELECT json_extract(new.caller, '$.uid'), 'names', 1 WHERE new.name IS NOT NULL;
END;
CREATE TRIGGER request_ended AFTER UPDATE OF state ON request WHEN old.state = 0 AND new.state <> 0 BEGIN
  INSERT INTO holding VALUES (json_extract(old.caller, '$.uid'), 'open_requests', -1);
END;
CREATE TRIGGER request_let_go AFTER DELETE ON request BEGIN
  INSERT INTO holding SELECT json_extract(old.caller, '$.uid'), 'open_requests', -1 WHERE old.state = 0;
  INSERT INTO holding SELECT json_extract(old.caller, '$.uid'), 'names', -1 WHERE old.name IS NOT NULL;
END;

-- Requests to libraries; what a library does by itself has no name.
CREATE TRIGGER work_held AFTER INSERT ON work WHEN new.name IS NOT NULL BEGIN
  INSERT INTO holding SELECT json_extract(new.caller, '$.uid'), 'open_requests', 1 WHERE new.finished IS NULL;
  INSERT INTO holding VALUES (json_extract(new.caller, '$.uid'), 'names', 1);
END;
CREATE TRIGGER work_ended AFTER UPDATE OF finished ON work
WHEN new.name IS NOT NULL AND old.finished IS NULL AND new.finished IS NOT NULL BEGIN
  INSERT INTO holding VALUES (json_extract(old.caller, '$.uid'), 'open_requests', -1);
END;
CREATE TRIGGER work_let_go AFTER DELETE ON work WHEN old.name IS NOT NULL BEGIN
  INSERT INTO holding SELECT json_extract(old.caller, '$.uid'), 'open_requests', -1 WHERE old.finished IS NULL;
  INSERT INTO holding VALUES (json_extract(old.caller, '$.uid'), 'names', -1);
END;

-- Requests to a person; those behind a request to a pool or library go with it. 4 and above: answered.
CREATE TRIGGER operator_held AFTER INSERT ON operator WHEN new.request IS NULL AND new.state < 4 BEGIN
  INSERT INTO holding VALUES (new.uid, 'operator_requests', 1);
END;
CREATE TRIGGER operator_ended AFTER UPDATE OF state ON operator
WHEN old.request IS NULL AND old.state < 4 AND new.state >= 4 BEGIN
  INSERT INTO holding VALUES (old.uid, 'operator_requests', -1);
END;
CREATE TRIGGER operator_let_go AFTER DELETE ON operator WHEN old.request IS NULL AND old.state < 4 BEGIN
  INSERT INTO holding VALUES (old.uid, 'operator_requests', -1);
END;

-- Attributes are held by who set them last.
ALTER TABLE attribute ADD COLUMN uid INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER attribute_held AFTER INSERT ON attribute BEGIN
  INSERT INTO holding VALUES (new.uid, 'attribute_bytes', octet_length(new.name) + octet_length(new.value));
END;
CREATE TRIGGER attribute_changed AFTER UPDATE ON attribute BEGIN
  INSERT INTO holding VALUES (old.uid, 'attribute_bytes', -(octet_length(old.name) + octet_length(old.value)));
  INSERT INTO holding VALUES (new.uid, 'attribute_bytes', octet_length(new.name) + octet_length(new.value));
END;
CREATE TRIGGER attribute_let_go AFTER DELETE ON attribute BEGIN
  INSERT INTO holding VALUES (old.uid, 'attribute_bytes', -(octet_length(old.name) + octet_length(old.value)));
END;

-- What there is already.
INSERT INTO held
  SELECT uid, quota, sum(amount) FROM (
    SELECT json_extract(caller, '$.uid') AS uid, 'open_requests' AS quota, 1 AS amount FROM request WHERE state = 0
    UNION ALL SELECT json_extract(caller, '$.uid'), 'names', 1 FROM request WHERE name IS NOT NULL
    UNION ALL SELECT json_extract(caller, '$.uid'), 'open_requests', 1 FROM work WHERE name IS NOT NULL AND finished IS NULL
    UNION ALL SELECT json_extract(caller, '$.uid'), 'names', 1 FROM work WHERE name IS NOT NULL
    UNION ALL SELECT uid, 'operator_requests', 1 FROM operator WHERE request IS NULL AND state < 4
    UNION ALL SELECT uid, 'attribute_bytes', octet_length(name) + octet_length(value) FROM attribute
  ) GROUP BY uid, quota;
