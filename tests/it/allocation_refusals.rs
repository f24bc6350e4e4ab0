//! Every failing case of an allocation, through the mount: the refusal of the write, or the first line of the result.

use crate::harness::{Shell, Tree, is_guid, reader, same, until};
use std::fs;

const NIL_TIME: &str = "timeout=0";

/// An LMID that nobody has.
const NOBODYS: &str = "01234567-89ab-4cde-8f01-23456789abcd";

/// Steps 1 to 4: pool, request, errno, and how the line begins that is read back and in last-error.
const IN_WRITE: [(&str, &str, i32, &str); 26] = [
    (
        "Backup",
        "bogus",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "new next",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "new new",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "options=0x10",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "options=new,never",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "timeout=soon",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "timeout=4294967296",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "timeout=-2",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "timeout=1s timeout=2s",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "partition=null",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "side=null",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "media=null",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "side=not-a-guid",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "media=not-a-guid",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "next media=not-a-guid",
        libc::EINVAL,
        "0x800710CC ERROR_INVALID_MEDIA",
    ),
    (
        "Backup",
        "name=\"open",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "{\"timeout\":0,\"timeout\":1}",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "{\"bogus\":0}",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "{\"media\":null}",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "{\"side\":null}",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "{\"options\":[\"new\"}",
        libc::EINVAL,
        "0x80070057 ERROR_INVALID_PARAMETER",
    ),
    (
        "Backup",
        "timeout=0\ntimeout=0",
        libc::EBUSY,
        "0x800700AA ERROR_BUSY",
    ),
    (
        "Free/pools/LTO-8",
        "timeout=0",
        libc::EINVAL,
        "0x800710CE ERROR_INVALID_MEDIA_POOL",
    ),
    (
        "Import/pools/LTO-8",
        "timeout=0",
        libc::EINVAL,
        "0x800710CE ERROR_INVALID_MEDIA_POOL",
    ),
    (
        "Unrecognized/pools/LTO-8",
        "timeout=0",
        libc::EINVAL,
        "0x800710CE ERROR_INVALID_MEDIA_POOL",
    ),
    (
        "Above",
        "timeout=0",
        libc::EINVAL,
        "0x800710CE ERROR_INVALID_MEDIA_POOL",
    ),
];

#[test]
fn what_the_write_refuses() {
    let tree = Tree::stocked(2);
    fs::create_dir(tree.path("pools/Above")).expect("a pool of pools");
    tree.pool("Above/pools/Below", "LTO-8");
    let history = tree.read("history");
    for (number, (pool, request, errno, line)) in IN_WRITE.into_iter().enumerate() {
        let body = format!("{request}\n");
        let asked = tree.ask(&format!("pools/{pool}/allocate"), body.as_bytes());
        same((pool, request), asked.refused, Some(errno));
        assert!(asked.text.starts_with(line), "{request}: {asked:?}");
        assert_eq!(asked.text, tree.read("last-error"), "{request}");
        // The same request with a name: the name is free again.
        let at = format!("pools/{pool}/requests/r{number}");
        let error = fs::write(tree.path(&at), &body).expect_err(request);
        same((pool, request), error.raw_os_error(), Some(errno));
        let said = tree.read("last-error");
        assert!(said.starts_with(line), "{request}: {said}");
        until("the name is free", || {
            tree.names(&format!("pools/{pool}/requests"))
                .is_empty()
                .then_some(())
        });
    }
    assert_eq!(tree.read("history"), history, "nothing was recorded");
}

#[test]
fn what_is_too_long_or_no_text() {
    let tree = Tree::stocked(1);
    let long = format!("name={}\n", "x".repeat(4096));
    let cases = [
        (long.as_bytes(), libc::EFBIG),
        (&b"name=\xff\n"[..], libc::EINVAL),
        (&b"name=a\0b\n"[..], libc::EINVAL),
    ];
    for (body, errno) in cases {
        let asked = tree.ask("pools/Backup/allocate", body);
        same(body.len(), asked.refused, Some(errno));
        assert!(asked.text.starts_with("0x800700"), "{asked:?}");
    }
    let longest = format!("description=x timeout=0{}\n", " ".repeat(4096 - 23));
    let asked = tree.ask("pools/Backup/allocate", longest.as_bytes());
    assert!(is_guid(asked.text.trim_end()), "{asked:?}");
}

/// Allocates with a named request and returns its result.
fn named(tree: &Tree, pool: &str, name: &str, request: &str) -> String {
    tree.write(&format!("pools/{pool}/requests/{name}"), request);
    tree.read(&format!("pools/{pool}/results/{name}"))
}

/// Checks that the result of a request begins so, in both ways in.
#[track_caller]
fn refused(tree: &Tree, pool: &str, request: &str, line: &str) {
    let asked = tree.ask(
        &format!("pools/{pool}/allocate"),
        format!("{request}\n").as_bytes(),
    );
    same((pool, request), asked.refused, None);
    assert!(asked.text.starts_with(line), "{request}: {asked:?}");
    let name = format!("r{}", tree.names(&format!("pools/{pool}/requests")).len());
    let result = named(tree, pool, &name, request);
    assert_eq!(result, asked.text, "{request}: both ways say the same");
}

#[test]
fn next_that_cannot_be() {
    let tree = Tree::stocked(3);
    tree.pool("Other", "MO-5.25");
    let invalid = "0x800710CC ERROR_INVALID_MEDIA ";
    let single = tree.allocate("Archive", NIL_TIME);
    let other = tree.allocate("Other", "new timeout=0");
    let first = tree.allocate("Archive", "new timeout=0");
    refused(&tree, "Archive", "next", invalid);
    refused(&tree, "Archive", &format!("next media={NOBODYS}"), invalid);
    refused(&tree, "Archive", &format!("next media={single}"), invalid);
    refused(&tree, "Archive", &format!("next media={other}"), invalid);
    refused(&tree, "Archive", &format!("next side={NOBODYS}"), invalid);
    let path = fs::read_link(tree.path(&format!("logical/{other}/side"))).expect("a side");
    let id = fs::read_to_string(tree.path(&format!("logical/{other}")).join(path).join("id"))
        .expect("its id");
    let disagree = format!("next media={first} side={}", id.trim_end());
    refused(&tree, "Archive", &disagree, invalid);
    let second = tree.allocate("Archive", &format!("next media={first}"));
    assert_ne!(first, second);
    let all_taken = "0x800710D4 ERROR_MEDIA_UNAVAILABLE all sides";
    refused(&tree, "Archive", &format!("next media={second}"), all_taken);
}

#[test]
fn a_named_side_that_is_unsuitable() {
    let tree = Tree::stocked(3);
    tree.write("pools/Backup/import", "SHELF");
    tree.write("pools/Import/pools/MO-5.25/import", "OLD slot=mo/9");
    tree.pool("Other", "LTO-8");
    let taken = tree.allocate("Backup", "timeout=0 side=lto-0001/A");
    tree.allocate("Archive", "timeout=0 side=mo-0002/B");
    let unavailable = "0x800710D4 ERROR_MEDIA_UNAVAILABLE ";
    refused(
        &tree,
        "Backup",
        &format!("side={NOBODYS}"),
        "0x800710CC ERROR_INVALID_MEDIA ",
    );
    refused(
        &tree,
        "Backup",
        "side=nobody/A",
        "0x800710CC ERROR_INVALID_MEDIA ",
    );
    refused(
        &tree,
        "Backup",
        "side=lto-0001/Z",
        "0x800710CC ERROR_INVALID_MEDIA ",
    );
    refused(
        &tree,
        "Backup",
        "side=mo-0001/A",
        "0x800710DB ERROR_MEDIA_INCOMPATIBLE ",
    );
    refused(
        &tree,
        "Backup",
        "side=SHELF/A timeout=60s",
        "0x800710D0 ERROR_MEDIA_OFFLINE ",
    );
    refused(&tree, "Backup", "side=lto-0001/A timeout=60s", unavailable);
    refused(&tree, "Other", "side=lto-0001/A timeout=60s", unavailable);
    refused(&tree, "Archive", "new side=mo-0002/A", unavailable);
    refused(
        &tree,
        "Archive",
        "new side=OLD/A",
        "0x80070057 ERROR_INVALID_PARAMETER ",
    );
    assert_eq!(tree.names("logical").len(), 2);
    assert_eq!(tree.read(&format!("logical/{taken}/state")), "allocated\n");
    // An import side may be named: its medium is imported, the flip side stays.
    tree.allocate("Archive", "side=OLD/A");
    assert_eq!(tree.read("media/OLD/sides/B/state"), "import\n");
}

#[test]
fn a_named_side_that_must_not_be_used() {
    let tree = Tree::stocked(3);
    let unavailable = "0x800710D4 ERROR_MEDIA_UNAVAILABLE ";
    tree.pool("Other", "LTO-8");
    tree.write("media/lto-0002/enabled", "0");
    refused(
        &tree,
        "Backup",
        "side=lto-0002/A",
        "0x800710D5 ERROR_RESOURCE_DISABLED ",
    );
    tree.write("media/lto-0003/sides/A/state", "decommissioned");
    refused(&tree, "Backup", "side=lto-0003/A", unavailable);
    tree.write("pools/Other/allocate_from_free", "0");
    tree.write("media/lto-0002/enabled", "1");
    refused(&tree, "Other", "side=lto-0002/A", unavailable);
    assert!(tree.names("logical").is_empty());
}

#[test]
fn nothing_to_be_had() {
    let tree = Tree::stocked(0);
    tree.pool("Tapes", "LTO-3");
    for request in [NIL_TIME, "error-if-unavailable", "options=0x4 timeout=60s"] {
        refused(
            &tree,
            "Backup",
            request,
            "0x800710D4 ERROR_MEDIA_UNAVAILABLE no LTO-8 medium",
        );
    }
    refused(
        &tree,
        "Tapes",
        "timeout=60s",
        "0x800710DF ERROR_DEVICE_NOT_AVAILABLE ",
    );
    let asked = tree.ask(
        "pools/Backup/allocate",
        b"{\"options\":[\"error-if-unavailable\"]}\n",
    );
    let json: serde_json::Value = serde_json::from_str(&asked.text).expect("an error in JSON");
    assert_eq!(json["error"]["code"], "0x800710D4");
    assert_eq!(json["error"]["name"], "ERROR_MEDIA_UNAVAILABLE");
    assert!(json["error"]["counts"].is_object(), "{json}");
    assert!(tree.names("operator").is_empty());
}

#[test]
fn a_disabled_library_gives_nothing() {
    let tree = Tree::stocked(2);
    tree.write("libraries/lto/enabled", "0");
    refused(
        &tree,
        "Backup",
        NIL_TIME,
        "0x800710D4 ERROR_MEDIA_UNAVAILABLE ",
    );
    refused(
        &tree,
        "Backup",
        "side=lto-0001/A",
        "0x800710D5 ERROR_RESOURCE_DISABLED ",
    );
    tree.write("libraries/lto/enabled", "1");
    tree.allocate("Backup", "timeout=60s");
}

/// The one operator request there is.
fn operator(tree: &Tree) -> String {
    until("an operator request", || {
        tree.names("operator").into_iter().next()
    })
}

#[test]
fn the_time_is_over() {
    let tree = Tree::stocked(0);
    let line = "0x800705B4 ERROR_TIMEOUT ";
    refused(&tree, "Backup", "timeout=100", line);
    assert!(
        tree.names("operator").is_empty(),
        "the operator request is gone"
    );
    tree.write("pools/Backup/default_timeout", "100ms");
    refused(&tree, "Backup", "", line);
    assert!(tree.names("operator").is_empty());
    assert!(tree.names("logical").is_empty());
}

#[test]
fn an_operator_refuses() {
    let tree = Tree::stocked(0);
    tree.write("pools/Backup/requests/w", "timeout=10m");
    assert!(
        tree.names("pools/Backup/results").is_empty(),
        "what waits is not listed"
    );
    let number = operator(&tree);
    assert_eq!(
        tree.read(&format!("operator/{number}/state")),
        "submitted\n"
    );
    assert_eq!(
        tree.read(&format!("operator/{number}/command")),
        "new-media\n"
    );
    assert!(
        !tree
            .names(&format!("operator/{number}"))
            .contains(&"result".to_owned())
    );
    tree.write(&format!("operator/{number}/state"), "in-progress");
    tree.write(&format!("operator/{number}/state"), "refused");
    assert!(
        tree.read("pools/Backup/results/w")
            .starts_with("0x800704C7 ERROR_CANCELLED ")
    );
    let again = fs::write(tree.path(&format!("operator/{number}/state")), "complete\n");
    assert_eq!(again.map_err(|e| e.raw_os_error()), Err(Some(libc::EBUSY)));
    assert_eq!(tree.read(&format!("operator/{number}/result")), "refused\n");
    fs::remove_dir(tree.path(&format!("operator/{number}"))).expect("it can be forgotten");
    assert!(tree.names("operator").is_empty());
}

#[test]
fn an_operator_says_complete() {
    let tree = Tree::stocked(0);
    tree.write("pools/Backup/requests/w", "timeout=10m");
    let first = operator(&tree);
    tree.write(&format!("operator/{first}/state"), "complete");
    assert_eq!(
        tree.read(&format!("operator/{first}/result")),
        "satisfied\n"
    );
    let second = until("a new operator request, for there is still nothing", || {
        tree.names("operator")
            .into_iter()
            .find(|number| *number != first)
    });
    assert_eq!(
        tree.read(&format!("operator/{second}/state")),
        "submitted\n"
    );
    assert!(tree.names("pools/Backup/results").is_empty());
    tree.write("pools/Backup/import", "NEW slot=lto/1");
    let lmid = tree.read("pools/Backup/results/w");
    assert!(is_guid(lmid.trim_end()), "{lmid}");
    assert_ne!(
        fs::read_to_string(tree.path(&format!("operator/{second}/state"))).unwrap_or_default(),
        "submitted\n",
        "its operator request goes with it"
    );
}

#[test]
fn a_transaction_waits_for_what_becomes_available() {
    let tree = Tree::stocked(1);
    let lmid = tree.allocate("Backup", NIL_TIME);
    for shell in [Shell::Bash, Shell::Dash] {
        let held = tree
            .names("logical")
            .pop()
            .expect("the one that is allocated");
        let waits = tree.spawn(
            shell,
            "exec 3<>pools/Backup/allocate; echo timeout=10m >&3; read -r l <&3; echo $l",
        );
        operator(&tree);
        fs::remove_dir(tree.path(&format!("logical/{held}"))).expect("given back");
        let ran = waits.end();
        assert!(is_guid(ran.output().trim_end()), "{ran:?}");
    }
    assert!(!tree.names("logical").contains(&lmid));
}

#[test]
fn rm_of_a_waiting_request_ends_its_reader() {
    let tree = Tree::stocked(0);
    for shell in [Shell::Bash, Shell::Dash] {
        tree.write("pools/Backup/requests/w", "timeout=10m");
        let waits = reader(tree.path("pools/Backup/results/w"));
        operator(&tree);
        assert!(!waits.is_finished());
        tree.run(shell, "rm pools/Backup/requests/w").output();
        let result = waits.join().expect("no panic").expect("a result");
        assert!(
            result.starts_with("0x800704C7 ERROR_CANCELLED "),
            "{result}"
        );
        assert!(
            tree.names("operator").is_empty(),
            "its operator request goes with it"
        );
        assert!(tree.names("pools/Backup/requests").is_empty());
    }
}

/// A name that is taken and not written yet goes with the open file, and rm says so.
#[test]
fn a_request_that_is_being_written_is_not_removed() {
    let tree = Tree::stocked(0);
    let script = "import os, errno
fd = os.open('pools/Backup/requests/w', os.O_WRONLY | os.O_CREAT)
try: os.unlink('pools/Backup/requests/w')
except OSError as error: print(errno.errorcode[error.errno], open('last-error').read(), end='')
os.close(fd); print(os.listdir('pools/Backup/requests'))";
    let sentence = "the request is being written; its name goes with the open file";
    let expected = format!("EBUSY 0x800700AA ERROR_BUSY {sentence}\n[]\n");
    let ran = tree.run(Shell::Python, script);
    assert_eq!(ran.output(), expected);
}

#[test]
fn rm_forgets_a_finished_request_and_keeps_the_medium() {
    let tree = Tree::stocked(1);
    let lmid = named(&tree, "Backup", "j", NIL_TIME);
    fs::remove_file(tree.path("pools/Backup/requests/j")).expect("forgotten");
    assert!(tree.names("pools/Backup/requests").is_empty());
    assert!(tree.names("pools/Backup/results").is_empty());
    assert_eq!(
        tree.read(&format!("logical/{}/state", lmid.trim_end())),
        "allocated\n"
    );
    assert!(named(&tree, "Backup", "j", NIL_TIME).starts_with("0x800710D4 "));
}
