-- A small catalog for tests: every kind of object, with the states that decide what the tree shows.
INSERT INTO catalog VALUES (1, x'00000000000070008000000000000001', 1700000000000, 1000);
INSERT INTO log VALUES (1, 60, '{"seq":1,"time":"2024-01-02T03:04:05.678Z"}', 0, x'');
INSERT INTO media_type VALUES
  (2, 'LTO-8', 1, 'rewritable', 'LTO Ultrium 8', 1700000000001),
  (3, 'MO-5.25', 2, 'rewritable', 'Magneto-optical disk', 1700000000001);
INSERT INTO pool (no, id, parent, name, kind, media_type, purge_time, uid, gid, mode, control, created, modified) VALUES
  (10, x'000000000000700080000000000000a0', 1, 'Free', 1, NULL, 259200000, 0, 0, 493, 432, 1700000000000, 1700000000000),
  (11, x'000000000000700080000000000000a1', 10, 'LTO-8', 1, 'LTO-8', 259200000, 0, 0, 493, 432, 1700000000000, 1700000000000),
  (12, x'000000000000700080000000000000a2', 1, 'Import', 3, NULL, 259200000, 0, 0, 493, 432, 1700000000000, 1700000000000),
  (14, x'000000000000700080000000000000a4', 1, 'Unrecognized', 2, NULL, 259200000, 0, 0, 493, 432, 1700000000000, 1700000000000),
  (20, x'000000000000700080000000000000b0', 1, 'Backup', 1000, 'LTO-8', 259200000, 1000, 1001, 488, 416, 1700000000000, 1700000000020),
  (21, x'000000000000700080000000000000b1', 1, 'Archive', 1000, NULL, 259200000, 1000, 1001, 488, 432, 1700000000000, 1700000000021),
  (22, x'000000000000700080000000000000b2', 21, 'Täglich "日本" a\x0a', 1000, 'MO-5.25', 259200000, 0, 0, 493, 432, 1700000000000, 1700000000022);
UPDATE pool SET from_free = 1, default_timeout = 90000 WHERE no = 20;
INSERT INTO library (no, id, name, description, driver, enabled, state, uid, gid, mode, created, modified) VALUES
  (30, x'000000000000700080000000000000c0', 'lib 0', 'cellar', 'virtual type=LTO-8 slots=2 drives=1 ports=1', 1, 0,
   0, 1001, 504, 1700000000000, 1700000000030);
INSERT INTO element (no, library, kind, number, modified) VALUES (31, 30, 16, 1, 0), (32, 30, 16, 2, 0), (33, 30, 5, 1, 0), (34, 30, 8, 1, 0);
INSERT INTO medium (no, id, name, barcode, description, media_type, pool, enabled, library, slot, created, modified) VALUES
  (40, x'000000000000700080000000000000d0', 'A00001L8', 'A00001L8', 'first', 'LTO-8', 20, 1, 30, 31, 1700000000000, 1700000000040),
  (41, x'000000000000700080000000000000d1', 'B', 'B/1', '', 'LTO-8', 20, 1, NULL, NULL, 1700000000000, 1700000000041),
  (42, x'000000000000700080000000000000d2', 'C', NULL, '', 'LTO-8', 11, 1, 30, 32, 1700000000000, 1700000000042),
  (43, x'000000000000700080000000000000d3', '..ö ', NULL, '', 'MO-5.25', 22, 1, NULL, NULL, 1700000000000, 1700000000043);
INSERT INTO side (no, id, medium, ordinal, pool, medium_name, standing, share, state, allocations, idle_since, modified) VALUES
  (50, x'000000000000700080000000000000e0', 40, 0, 20, 'A00001L8', 0, 0, 5, 7, 1700000000000, 1700000000050),
  (51, x'000000000000700080000000000000e1', 41, 0, 20, 'B', 1, 0, 4, 0, 1700000000000, 1700000000051),
  (52, x'000000000000700080000000000000e2', 42, 0, 11, 'C', 0, 0, 4, 3, 1700000000000, 1700000000052),
  (53, x'000000000000700080000000000000e3', 43, 0, 22, '..ö ', 1, 0, 8, 0, 1700000000000, 1700000000053),
  (54, x'000000000000700080000000000000e4', 43, 1, 22, '..ö ', 1, 0, 8, 0, 1700000000000, 1700000000054);
INSERT INTO logical (no, id, name, description, side, owner, from_pool, from_path, was, delivery, created, modified) VALUES
  (60, x'000000000000700080000000000000f0', 'mon', 'full', 50, 1000, x'000000000000700080000000000000a1', 'Free/LTO-8', 4, 2,
   1700000000060, 1700000000060);
INSERT INTO request VALUES
  (70, 20, 'job-1', '{"uid":1000,"gid":1001}', 'timeout=60s', 0, 1, NULL, NULL, '00000000-0000-7000-8000-0000000000f0' || char(10),
   1700000000000, 1700000000070, NULL),
  (71, 20, 'job-2', '{"uid":1002,"gid":1002}', 'timeout=5m', 0, 0, 1700000300000, 80, '', 1700000000000, 1700000000071, NULL),
  (72, 20, NULL, '{"uid":1002,"gid":1002}', '', 0, 0, NULL, NULL, '', 1700000000000, 1700000000072, NULL);
INSERT INTO operator (no, command, message, state, pool, request, uid, submitted, modified) VALUES
  (80, 1, 'Bring media of type LTO-8 for pool "Backup".', 1, 20, 71, 1002, 1700000000000, 1700000000080),
  (81, 1, 'Bring media.', 5, 99, NULL, 1000, 1700000000000, 1700000000081);
INSERT INTO operator (no, command, message, state, pool, library, medium, element, request, uid, submitted, modified) VALUES
  (82, 3, 'It smokes.', 2, NULL, 30, 41, 33, NULL, 1000, 1700000000000, 1700000000082),
  (83, 4, 'Move it.', 4, NULL, 98, 97, 96, NULL, 1000, 1700000000000, 1700000000083);
