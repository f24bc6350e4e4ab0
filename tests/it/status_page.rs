//! `status.html` and the maps of libraries on a real mount: their rights, that they follow what happens, and how a browser shows
//! them. `tests/data/page.py` drives Chromium; `NTMSFS_PICTURES=DIR` keeps the pictures that it takes.

use crate::harness::{Shell, Tree, User, same};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::PathBuf;

const SCRIPT: &str = include_str!("../data/page.py");

/// Names as nasty as names can be.
const HOSTILE: &str = "<script>pwned=1<b title=\"x\" onload='pwned=1'>&amp;]]>--> שלום";

/// A tree with something in every part of the page.
fn busy() -> Tree {
    let tree = Tree::stocked(30);
    tree.library(
        HOSTILE,
        "type=LTO-8 slots=300 drives=2 cartridges=9 barcodes=H%03d",
    );
    tree.pool(HOSTILE, "LTO-8");
    tree.write(&format!("pools/{HOSTILE}/allocate_from_free"), "0");
    tree.write(&format!("pools/{HOSTILE}/want_available"), "3");
    tree.write(&format!("pools/{HOSTILE}/requests/{HOSTILE}"), "timeout=5h");
    tree.write(&format!("pools/{HOSTILE}/requests/failed"), "timeout=0");
    // Nowhere to break a line.
    let endless = "W".repeat(255);
    tree.pool(&endless, "LTO-8");
    tree.write("pools/Backup/import", &endless);
    tree.write(
        &format!("pools/{endless}/requests/{endless}"),
        "side=nobody/A",
    );
    let lmid = tree.allocate("Backup", "timeout=0");
    tree.write("libraries/lto/requests/m", &format!("mount media={lmid}"));
    tree.read("libraries/lto/results/m");
    let first = tree.allocate("Archive", "new timeout=0");
    tree.write(&format!("logical/{first}/state"), "complete");
    let message = format!("device-service library=lto text={}", quoted(HOSTILE));
    tree.ask("ask", format!("{message}\n").as_bytes());
    tree
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[test]
fn a_browser_shows_the_page() {
    let tree = busy();
    let scratch = tree.scratch("scratch");
    std::fs::write(scratch.join("page.py"), SCRIPT).unwrap();
    let keep = std::env::var_os("NTMSFS_PICTURES").map(PathBuf::from);
    let pictures = keep.unwrap_or_else(|| scratch.join("pictures"));
    let ran = tree.run(
        Shell::Bash,
        &format!(
            "command -v chromium chromedriver >/dev/null || {{ echo 'chromium is missing: mount/prepare test installs it' >&2; exit 1; }}
             HOME=$T TMPDIR=$T exec python3 $T/page.py . {}",
            pictures.display()
        ),
    );
    let lines: Vec<&str> = ran.output().lines().collect();
    let wrong: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("wrong"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let names: Vec<String> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("name "))
        .map(|name| serde_json::from_str(name).unwrap())
        .collect();
    let hostile = names.iter().filter(|name| *name == HOSTILE).count();
    assert!(hostile >= 6, "pool, library, request, message: {names:#?}");
    for name in ["Backup", "Archive", "lto", "lto-0001"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    let pictures = std::fs::read_dir(pictures).unwrap().count();
    assert!(pictures >= 12, "{pictures} pictures");
}

#[test]
fn the_page_is_for_whoever_may_see_the_status() {
    let tree = Tree::stocked(1);
    for (path, mode) in [
        ("status.html", 0o640),
        ("status", 0o640),
        ("libraries/lto/map.svg", 0o444),
        ("libraries/lto/status", 0o444),
    ] {
        let found = std::fs::metadata(tree.path(path)).unwrap();
        same(path, found.permissions().mode() & 0o777, mode);
        same(path, (found.uid(), found.gid()), (0, 0));
    }
    let other = User {
        uid: 4001,
        gid: 4001,
        groups: "",
    };
    let ran = tree.run_as(
        other,
        Shell::Dash,
        "cat libraries/lto/map.svg > /dev/null; cat status.html",
    );
    assert!(
        ran.status != Some(0) && ran.stderr.contains("Permission denied"),
        "{ran:?}"
    );
    assert_eq!(
        ran.stderr.lines().count(),
        1,
        "the map is not refused: {ran:?}"
    );
}

#[test]
fn page_and_map_follow_what_happens() {
    let tree = Tree::stocked(3);
    let (page, map, status) = (
        "status.html",
        "libraries/lto/map.svg",
        "libraries/lto/status",
    );
    assert!(tree.read(page).contains("Nothing needs a person"));
    assert!(tree.read(map).contains("Slots: 3 available, 97 empty."));
    let before = std::fs::metadata(tree.path(map))
        .unwrap()
        .modified()
        .unwrap();
    tree.allocate("Backup", "timeout=0");
    assert!(
        tree.read(map)
            .contains("Slots: 2 available, 1 allocated, 97 empty.")
    );
    assert!(
        tree.read(status).contains("\nallocated   1\n"),
        "{}",
        tree.read(status)
    );
    let after = std::fs::metadata(tree.path(map))
        .unwrap()
        .modified()
        .unwrap();
    assert!(after > before, "{after:?}");
    tree.write("pools/Backup/requests/bad", "side=nobody/A");
    let shown = tree.read(page);
    assert!(
        shown.contains("request <bdi>bad</bdi>") && shown.contains("ERROR_INVALID_MEDIA"),
        "{shown}"
    );
    // What nobody was told by name has failed, too.
    tree.write("pools/Archive/allocate_from_free", "0");
    let asked = tree.ask("pools/Archive/allocate", b"timeout=0\n");
    assert!(asked.text.starts_with("0x"), "{asked:?}");
    assert!(tree.read(page).contains("ERROR_MEDIA_UNAVAILABLE"));
    tree.remount();
    let shown = tree.read(page);
    assert!(shown.contains("ERROR_MEDIA_UNAVAILABLE") && shown.contains("ERROR_INVALID_MEDIA"));
    // A request to a person that a person refuses.
    tree.ask("ask", b"message \"Look.\"\n");
    let no = tree.names("operator").pop().unwrap();
    assert!(tree.read(page).contains("One thing needs a person"));
    tree.write(&format!("operator/{no}/state"), "refused");
    let shown = tree.read(page);
    assert!(
        shown.contains("refused by a person") && shown.contains("Nothing needs a person"),
        "{shown}"
    );
}
