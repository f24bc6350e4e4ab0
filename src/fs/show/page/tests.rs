//! The page and the maps: foreign text stays text, every state is drawn, and both are bounded.

use super::super::map;
use super::*;
use crate::domain::state::{DriveState, SideState};
use crate::fs::tests::Sample;
use sha2::{Digest as _, Sha256};

/// SHA-256 in base 64, as a policy has it.
fn hash(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digest = Sha256::digest(text);
    let mut out = "sha256-".to_owned();
    for three in digest.chunks(3) {
        let bits = (0..3).fold(0, |bits, place| {
            bits << 8 | three.get(place).copied().map_or(0, usize::from)
        });
        let digits = [18, 12, 6, 0].map(|shift| char::from(DIGITS[bits >> shift & 63]));
        out.extend(digits.iter().take(three.len() + 1));
    }
    out + "="
}

#[test]
fn the_policy_lets_the_own_style_and_script_through() {
    assert_eq!(STYLE_HASH, hash(STYLE), "of the style");
    assert_eq!(SCRIPT_HASH, hash(SCRIPT), "of the script");
    for text in [STYLE, SCRIPT] {
        assert!(
            !text.contains(['<', '&']),
            "as XML it would be another text"
        );
    }
}

/// Puts a record of a failure into the log.
fn fail(sample: &Sample, seq: i64, detail: &str) {
    let line = format!(
        "{{\"seq\":{seq},\"time\":\"2024-01-02T03:04:06.000Z\",\"by\":{{\"uid\":1007,\"gid\":7}},\"detail\":{detail},\"v\":1}}"
    );
    let (sum, line) = (crc32fast::hash(line.as_bytes()), line.replace('\'', "''"));
    sample.change(&format!(
        "INSERT INTO log VALUES ({seq}, 1000, '{line}', {sum}, x''); INSERT INTO failed VALUES ({seq})"
    ));
}

/// What is in every text that a user can write, and how it must look in markup and in a link.
const FOREIGN: &str = "\"x9'<x9>&x9;\u{202e}";
const ESCAPED: &str = "&quot;x9&#39;&lt;x9&gt;&amp;x9;\\u{202e}";
const LINKED: &str = "%22x9%27%3Cx9%3E%26x9%3B%E2%80%AE";

/// A catalog whose every text is foreign.
fn hostile() -> Sample {
    let sample = Sample::new();
    let text = FOREIGN.replace('\'', "''");
    sample.change(&format!(
        "UPDATE pool SET name = '{text}' || no, description = '{text}';
         UPDATE library SET name = '{text}', description = '{text}', driver = '{text} a=b', state = 20;
         UPDATE medium SET name = '{text}' || no, barcode = '{text}' || no, description = '{text}';
         UPDATE side SET medium_name = '{text}' || medium;
         UPDATE logical SET name = '{text}', description = '{text}';
         UPDATE request SET name = '{text}' || no, body = '{text}', result = '{text}';
         UPDATE operator SET message = '{text}', pool = 20, library = 30;
         PRAGMA foreign_keys=OFF;
         UPDATE media_type SET name = '{text}' || no;
         UPDATE pool SET media_type = '{text}2' WHERE media_type IS NOT NULL;
         INSERT INTO mounted VALUES (33, 30, 40, 50, 2, 1000, 1, '{text}', 1);
         INSERT INTO work (no, library, kind, queued, name, caller, body, state, medium)
         VALUES (90, 30, 17, 1700000000000, '{text}', '{{\"uid\":1000,\"gid\":7}}', '{text}', 0, 40)"
    ));
    let json = serde_json::to_string(FOREIGN).unwrap();
    let thing = "{\"no\":30,\"id\":\"00000000-0000-7000-8000-0000000000c0\"}";
    let request = format!(
        "{{\"no\":70,\"pool\":{{\"no\":20,\"id\":\"00000000-0000-7000-8000-0000000000b0\"}},\"name\":{json},\
         \"caller\":{{\"uid\":1000,\"gid\":7}},\"body\":{json},\"submitted\":0,\"purge\":null}}"
    );
    for (seq, detail) in [
        (
            2,
            format!(
                "{{\"event\":\"request_failed\",\"request\":{request},\"code\":1460,\"result\":{json},\"sentence\":{json}}}"
            ),
        ),
        (
            3,
            format!(
                "{{\"event\":\"work_finished\",\"no\":90,\"library\":{thing},\"error\":{json}}}"
            ),
        ),
        (
            4,
            format!(
                "{{\"event\":\"work_changed\",\"no\":91,\"library\":{thing},\"name\":{json},\"change\":{{\"ended\":{{\
             \"state\":\"failed\",\"code\":1460,\"result\":\"\",\"error\":{json},\"operator\":null}}}}}}"
            ),
        ),
        (
            5,
            "{\"event\":\"operator_changed\",\"no\":88,\"state\":\"refused\"}".to_owned(),
        ),
    ] {
        fail(&sample, seq, &detail);
    }
    sample
}

#[test]
fn no_foreign_text_becomes_markup() {
    let sample = hostile();
    // No path leads there: names that people give have no such characters.
    let map = sample.look(|view| map::map(view, ObjectNo(30)));
    assert!(map.matches(ESCAPED).count() > 3, "{map}");
    let page = sample.shows("status.html");
    assert!(page.matches(ESCAPED).count() > 30, "{page}");
    assert!(page.matches(LINKED).count() > 10, "{page}");
    for text in [page, map] {
        let rest = text.replace(ESCAPED, "").replace(LINKED, "");
        assert!(!rest.contains("x9") && !rest.contains('\u{202e}'), "{rest}");
    }
    let page = sample.shows("status.html");
    for part in [
        "<p class=\"verdict alarm\">\u{25b2} 4 things need a person.</p>",
        "<span class=\"soft\">ERROR_TIMEOUT</span>",
        "request to a person 88<span class=\"under\"><time",
        "uid 1007</span></th><td>refused by a person",
        "</a> is needs-service.</p>",
        "<title>(4) ntmsfs status</title>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

#[test]
fn every_state_of_a_side_is_drawn() {
    let sample = Sample::new();
    let (mut page, mut map) = (String::new(), String::new());
    for &state in SideState::ALL {
        sample.change(&format!(
            "UPDATE side SET state = {}, standing = 0 WHERE no IN (50, 52)",
            state.number()
        ));
        (page, map) = (
            sample.shows("status.html"),
            sample.shows("libraries/lib 0/map.svg"),
        );
        let word = state.word();
        for text in [&page, &map] {
            let filled = format!(
                "<path fill=\"url(#l-{word})\" d=\"M0 0h1v1h-1z\"><title>slot 1: \u{2068}A00001L8\u{2069}, {word}</title></path>"
            );
            assert!(text.contains(&filled), "{word}\n{text}");
            assert!(
                text.contains(&format!("Slots: 2 {word}.")),
                "{word}\n{text}"
            );
            assert!(
                text.contains(&format!("2 {word}</")),
                "{word}: the key\n{text}"
            );
            assert!(
                text.contains(&format!("<pattern id=\"l-{word}\"")),
                "{word}"
            );
        }
        assert!(
            page.contains(&format!("fill=\"url(#b-{word})\"")),
            "{word}\n{page}"
        );
        assert!(page.contains(&format!("1\u{a0}{word}")), "{word}\n{page}");
    }
    assert!(page.contains("\"l-reserved\"") && map.ends_with("</svg>\n"));
}

#[test]
fn every_state_of_a_drive_is_drawn() {
    let sample = Sample::new();
    for &state in DriveState::ALL {
        if state != DriveState::Dismounted {
            sample.change(&format!(
                "INSERT OR REPLACE INTO mounted VALUES (33, 30, 40, 50, {}, 1000, 1, '/dev/nst0', 1)",
                state.number()
            ));
        }
        let (page, word) = (sample.shows("status.html"), state.word());
        let what = if state == DriveState::Dismounted {
            word.to_owned()
        } else {
            format!("\u{2068}A00001L8\u{2069}, {word}")
        };
        let drawn = format!(
            "<path fill=\"url(#l-{word})\" d=\"M0 0h1v1h-1z\"><title>drive 1: {what}</title></path>"
        );
        for text in [&page, &sample.shows("libraries/lib 0/map.svg")] {
            assert!(text.contains(&drawn), "{word}\n{text}");
        }
        let told = page.contains("uid 1000 <code>/dev/nst0</code>");
        assert_eq!(told, state != DriveState::Dismounted, "{page}");
    }
    let page = sample.shows("status.html");
    assert!(page.contains("<path fill=\"url(#l-in-drive)\" d=\"M0 0h1v1h-1z\"><title>slot 1: \u{2068}A00001L8\u{2069}, allocated, in a drive</title>"), "{page}");
}

#[test]
fn what_is_no_state_is_drawn_too() {
    let sample = Sample::new();
    sample.change(
        "UPDATE medium SET slot = NULL, library = NULL WHERE no = 42;
         UPDATE medium SET enabled = 0 WHERE no = 40;
         UPDATE side SET standing = 2, state = 4 WHERE no = 50;",
    );
    let page = sample.shows("status.html");
    for part in [
        "<title>slot 1: \u{2068}A00001L8\u{2069}, available, disabled</title>",
        "<title>slot 2: empty</title>",
        "<title>port 1</title>",
        "Slots: 1 disabled, 1 empty. Drives: 1 dismounted. Ports: 1.",
        "1\u{a0}offline \u{b7} 1\u{a0}disabled",
        "fill=\"url(#b-offline)\"",
        "fill=\"url(#b-disabled)\"",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    let status = sample.shows("libraries/lib 0/status");
    assert_eq!(
        status,
        "lib 0: ready, virtual type=LTO-8 slots=2 drives=1 ports=1\n\nslots:\ndisabled  1\nempty     1\n\n\
         drives:\nnumber       state  uid  medium\n1       dismounted    -       -\n\nwork: none\n\nports: 1\n"
    );
}

/// The sides of one medium can have different states: its square shows the one that matters most.
#[test]
fn a_medium_of_several_sides_is_one_square() {
    let sample = Sample::new();
    sample.change(
        "UPDATE medium SET slot = NULL WHERE no = 42;
         UPDATE medium SET slot = 32, library = 30 WHERE no = 43;
         UPDATE side SET state = 5 WHERE no = 54;",
    );
    let map = sample.shows("libraries/lib 0/map.svg");
    let drawn = "<path fill=\"url(#l-allocated)\" d=\"M1 0h1v1h-1z\"><title>slot 2: \u{2068}..ö \u{2069}, side A import, side B allocated</title></path>";
    assert!(map.contains(drawn), "{map}");
}

#[test]
fn nothing_is_said_where_nothing_is() {
    let sample = Sample::new();
    sample.change(
        "DELETE FROM operator; DELETE FROM request; UPDATE logical SET delivery = 0; UPDATE settings SET attended = 0;
         PRAGMA foreign_keys=OFF; DELETE FROM library; DELETE FROM element; UPDATE medium SET library = NULL, slot = NULL",
    );
    let page = sample.shows("status.html");
    for part in [
        "<p class=\"verdict calm\">\u{2713} Nothing needs a person.</p>",
        "<h2 id=\"person\">Needs a person</h2>\n<p>Nothing.</p>",
        "<p>None since the catalog was made.</p>",
        "<h2 id=\"waiting\">Waiting</h2>\n<p>Nothing.</p>",
        "<p>None. <code>mkdir libraries/NAME</code> makes one.</p>",
        "<strong>Nobody attends</strong>",
        "<title>ntmsfs status</title>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
}

/// A big library: every second slot has a medium, so that no two squares beside each other are equal.
fn big(slots: u32) -> Sample {
    let sample = Sample::new();
    sample.change(&format!(
        "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < {slots})
         INSERT INTO element (no, library, kind, number, modified) SELECT 100000 + i, 30, 16, i, 0 FROM n;
         INSERT INTO medium (no, id, name, description, media_type, pool, enabled, library, slot, created, modified)
         SELECT no + 100000, randomblob(16), 'medium' || number, '', 'LTO-8', 11, 1, 30, no, 0, 0
         FROM element WHERE kind = 16 AND number > 2 AND number % 2 = 1;
         INSERT INTO side (no, id, medium, ordinal, pool, medium_name, standing, share, state, allocations, idle_since, modified)
         SELECT no + 100000, randomblob(16), no, 0, 11, name, 0, 0, no % 8, 0, 0, 0 FROM medium WHERE no > 200000"
    ));
    sample
}

#[test]
fn a_map_is_bounded() {
    for (slots, told, kilobytes, rest) in [
        (250, true, 80, None),
        (251, false, 20, None),
        (10_000, false, 200, None),
        (10_001, false, 200, Some("1 more slot is not drawn")),
        (20_000, false, 200, Some("10000 more slots are not drawn")),
    ] {
        let sample = big(slots);
        let map = sample.shows("libraries/lib 0/map.svg");
        assert!(map.len() < kilobytes * 1000, "{slots}: {}", map.len());
        assert_eq!(map.contains("slot 249: "), told, "{slots}");
        assert_eq!(map.contains("not drawn"), rest.is_some(), "{slots}");
        assert!(rest.is_none_or(|rest| map.contains(rest)), "{slots}");
        let page = sample.shows("status.html");
        assert!(page.len() < 250_000, "{slots}: {}", page.len());
        assert_eq!(page.contains("too many for this page"), slots > 10_000);
        let status = sample.shows("libraries/lib 0/status");
        assert_eq!(status.contains("not looked at"), slots > 10_000, "{status}");
    }
}

#[test]
fn a_page_is_bounded() {
    let sample = Sample::new();
    sample.change(
        "PRAGMA foreign_keys=OFF;
         WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO operator (no, command, message, state, uid, submitted, modified)
         SELECT i, 5, hex(zeroblob(120)), 1, 1, 1, 1 FROM n;
         INSERT INTO request SELECT no + 2000, 20, 'r' || no, '{\"uid\":1,\"gid\":1}', '', 0, 0, 9, 80, '', 1, 1, NULL
         FROM operator WHERE no >= 1000;
         INSERT INTO work (no, library, kind, queued, name, caller)
         SELECT no + 4000, 30, 17, 1, 'w' || no, '{\"uid\":1,\"gid\":1}' FROM operator WHERE no >= 1000;
         INSERT INTO pool (no, id, parent, name, kind, media_type, uid, gid, mode, control, created, modified)
         SELECT no + 6000, randomblob(16), 1, 'p' || no, 1000, 'LTO-8', 0, 0, 0, 0, 1, 1 FROM operator WHERE no >= 1000;
         INSERT INTO library (no, id, name, enabled, state, uid, gid, mode, created, modified)
         SELECT no + 8000, randomblob(16), 'l' || no, 1, 20, 0, 0, 0, 1, 1 FROM operator WHERE no >= 1000;
         INSERT INTO logical (no, id, name, description, side, owner, from_pool, from_path, was, delivery, created, modified)
         SELECT no + 10000, randomblob(16), '', '', no, 1, x'', '', 4, 2, 1, 1 FROM operator WHERE no >= 1000",
    );
    for seq in 2..100 {
        fail(
            &sample,
            seq,
            "{\"event\":\"operator_changed\",\"no\":88,\"state\":\"refused\"}",
        );
    }
    let page = sample.shows("status.html");
    assert!(page.len() < 250_000, "{}", page.len());
    assert!(page.matches("class=\"library\"").count() == 50);
    assert_eq!(page.matches("refused by a person").count(), 20);
    assert!(page.matches(" more.</p>").count() >= 5, "{page}");
}
