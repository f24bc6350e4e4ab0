//! The permission matrix: every operation of the tree by every kind of user under every combination of the rights, on a real
//! mount, against what the contract of the tree says. The oracle below is written from that contract, not from the code;
//! that no operation is missing is checked against the table of the tree.
#![expect(
    clippy::match_same_arms,
    reason = "an arm is a sentence of the contract"
)]

use crate::harness::Tree;
use ntmsfs::domain::id::ObjectNo;
use ntmsfs::domain::library_request::LibraryRequest;
use ntmsfs::fs::tree::{Behaviour as B, Spec, TREE};
use ntmsfs::fs::{Node, Row, is_home, parse};
use std::collections::{BTreeMap, BTreeSet};

/// The script that makes the attempts.
const SCRIPT: &str = include_str!("../data/matrix.py");

/// Users and groups: two users have their group from the user database, which the daemon asks.
const PEOPLE: &str = "set -e; cp /etc/passwd $T/passwd; cp /etc/group $T/group
    echo 'ntms4003:x:4003:4903:::/bin/sh' >> $T/passwd; echo 'ntms4006:x:4006:4906:::/bin/sh' >> $T/passwd
    echo 'ntmsops:x:4100:ntms4003' >> $T/group; echo 'ntmsent:x:4105:ntms4006' >> $T/group
    mount --bind $T/passwd /etc/passwd; mount --bind $T/group /etc/group";

/// Who tries, as the script has them.
const USERS: [&str; 8] = [
    "root",
    "owner",
    "group",
    "supplementary",
    "user-entry",
    "group-entry",
    "supplementary-entry",
    "other",
];

/// Configurations of the script: in each, every class of users has another combination of rights.
const CONFIGURATIONS: usize = 8;

/// USE, MODIFY and CONTROL.
#[derive(Debug, Clone, Copy)]
struct Bits {
    u: bool,
    m: bool,
    c: bool,
}

/// Who has which rights on what an attempt is about.
struct Rights<'a> {
    who: &'a str,
    /// Of the pool.
    pool: Bits,
    /// Of the library; it has no CONTROL of its own: w is both.
    library: Bits,
    /// Of the free pool of the type.
    free: Bits,
    /// Of the import pool of the type.
    import: Bits,
}

impl<'a> Rights<'a> {
    /// The rights of a user in a configuration, as the script sets them.
    fn of(configuration: usize, who: &'a str) -> Self {
        let class = match who {
            "root" | "owner" => 0,
            "group" | "supplementary" => 1,
            "user-entry" => 2,
            "group-entry" | "supplementary-entry" => 3,
            _ => 4,
        };
        let ahead = |by: usize| {
            let bits = (configuration + by + 3 * class) % 8;
            let [u, m, c] = [4, 2, 1].map(|bit| bits & bit != 0);
            Bits { u, m, c }
        };
        Self {
            who,
            pool: ahead(0),
            library: ahead(3),
            free: ahead(5),
            import: ahead(6),
        }
    }

    /// What the mount option `gid=` opens: the script mounts with the group that two of the users are in.
    fn audits(&self) -> bool {
        matches!(self.who, "group" | "supplementary")
    }
}

/// What the contract says. USE opens the door of a pool's directory; behind it are its attributes, which MODIFY changes, and
/// `media/`, `requests/`, `results/`, which CONTROL opens and changes. What is reached through `logical/`, `operator/` and
/// `work/` needs no USE of a directory on the way.
fn allowed(operation: &str, r: &Rights<'_>) -> bool {
    // Not even root: the tree does not have it.
    if operation.starts_with("never ") {
        return false;
    }
    if r.who == "root" {
        return true;
    }
    let (verb, path, case) = parts(operation);
    match verb {
        "read" => reads(path, case, r),
        "get attribute" => reads(path, case, r),
        "set attribute" => sets_attribute(path, case, r),
        "tenant" => of_tenants(case, r),
        "chmod" | "setfacl" | "chown" => of_security(verb, path, case, r),
        _ => changes(verb, path, case, r),
    }
}

/// The verb, the pattern of the path and the case of an operation.
fn parts(operation: &str) -> (&str, &str, &str) {
    let (head, case) = operation.split_once(": ").unwrap_or((operation, ""));
    let two = [
        "get attribute",
        "set attribute",
        "make in",
        "create in",
        "rename in",
    ];
    let found = two
        .into_iter()
        .find_map(|verb| Some((verb, head.strip_prefix(verb)?.trim_start())));
    let (verb, path) = found.or(head.split_once(' ')).unwrap_or((head, ""));
    (verb, path, case)
}

/// What is looked at.
fn reads(path: &str, case: &str, r: &Rights<'_>) -> bool {
    let (pool, library) = (r.pool, r.library);
    match path {
        "status" | "status.html" | "info.json" | "history" | "events" => r.audits(),
        "export" => false,
        // The request of somebody else, and its result.
        "pools/<pool>/requests/<name>" | "pools/<pool>/results/<name>" => {
            case == "own" && pool.u && pool.c
        }
        "libraries/<library>/requests/<name>" | "libraries/<library>/results/<name>" => {
            case == "own" && library.u
        }
        "pools/<pool>/requests" | "pools/<pool>/results" | "pools/<pool>/media" => pool.u && pool.c,
        "pools/<pool>/media/<medium>/history" => pool.u && pool.c && r.audits(),
        "pools" => case.is_empty() || pool.u,
        _ if path.starts_with("pools/<pool>/media/") => pool.u && pool.c,
        _ if path.starts_with("pools/<pool>") || path.starts_with("logical/<LMID>") => pool.u,
        _ if path.starts_with("libraries/<library>") => library.u,
        // Names are public, and so are requests to people, the queue, the settings and the types.
        _ => true,
    }
}

/// Attributes of users: whoever may set the files of the object, and what is on the way to it.
fn sets_attribute(path: &str, case: &str, r: &Rights<'_>) -> bool {
    let (pool, library) = (r.pool, r.library);
    match path {
        // The door is closed, but what hangs on it is not behind it.
        "pools/<pool>" => pool.m,
        "libraries/<library>" => library.m,
        "logical/<LMID>" => pool.m || case == "own" && pool.u,
        _ if path.starts_with("pools/<pool>/media/") => pool.u && pool.m && pool.c,
        _ if path.starts_with("libraries/<library>/") => library.u && library.m,
        _ => false,
    }
}

/// Modes, owners and lists: the owner of the pool or library. Only root gives away.
fn of_security(verb: &str, path: &str, case: &str, r: &Rights<'_>) -> bool {
    let owner = r.who == "owner" && (verb != "chown" || case == "to a group of his own");
    // CONTROL is behind the door of the pool.
    let inside = path != "pools/<pool>" && path != "libraries/<library>";
    owner && (!inside || r.pool.u)
}

/// What is changed.
fn changes(verb: &str, path: &str, case: &str, r: &Rights<'_>) -> bool {
    match path.split('/').next().unwrap_or_default() {
        "pools" => of_pools(verb, path, case, r),
        "logical" => of_logical(verb, path, case, r.pool, r.free),
        "libraries" => of_libraries(verb, path, case, r),
        // CONTROL of a library is w on it; what is one's own can be withdrawn.
        "work" => r.library.m || verb == "remove" && case == "own",
        "operator" => {
            let (_, concerned) = case.split_once(", ").unwrap_or(("", case));
            match concerned {
                "pool" => r.pool.c,
                "library" => r.library.m,
                "both" => r.pool.c || r.library.m,
                // A message concerns nothing, so root answers it; its sender may cancel it, and forget it when it has its answer.
                "own" => !case.starts_with("complete"),
                other => panic!("{other}"),
            }
        }
        "ask" => match case {
            "message" => true,
            "new-media" | "new-media, library" | "move-media" | "device-service, shelf" => r.pool.c,
            "cleaner" | "device-service" | "device-service, medium" => r.library.m,
            other => panic!("{other}"),
        },
        // Root's: the system, types, and telling `events` where to begin.
        "settings" | "types" | "events" => false,
        other => panic!("an operation that the oracle does not know: {verb} {other}"),
    }
}

fn of_pools(verb: &str, path: &str, case: &str, r: &Rights<'_>) -> bool {
    let Rights {
        pool, free, import, ..
    } = *r;
    let controls = |of: Bits| of.u && of.c;
    match (verb, path, case) {
        // The top level is root's, the level below a pool is of that pool.
        ("make in" | "rename in", "pools", _) | ("remove", "pools/<pool>", _) => {
            case == "of a pool" && pool.u && pool.m
        }
        ("write", "pools/<pool>/allocate", "drawing from free") => controls(pool) && free.u,
        ("write", "pools/<pool>/allocate", "an import side") => controls(pool) && import.c,
        ("write", "pools/<pool>/allocate" | "pools/<pool>/import", "")
        | ("create in", "pools/<pool>/requests", "") => controls(pool),
        ("remove", "pools/<pool>/requests/<name>", "own" | "own that waits") => controls(pool),
        ("remove", "pools/<pool>/requests/<name>", "") => false,
        // Note 32: USE of the free pool, CONTROL of every other.
        ("rename in", _, "from free" | "to free") => controls(pool) && free.u,
        ("rename in", _, "from import") => controls(pool) && controls(import),
        ("rename in" | "remove", _, "in free") => controls(free),
        ("rename in" | "remove", _, "in import") => controls(import),
        ("write", "pools/<pool>/media/<medium>/media_type", "free to open") => free.u && free.m,
        ("write", "pools/<pool>/media/<medium>/media_type", "import to open") => {
            controls(import) && import.m
        }
        (
            "write",
            "pools/<pool>/media/<medium>/media_type",
            "free to closed" | "import to closed",
        ) => false,
        ("make in" | "rename in", "pools/<pool>/media", _)
        | ("remove", "pools/<pool>/media/<medium>", "")
        | ("write", "pools/<pool>/media/<medium>/sides/<side>/state", "") => controls(pool),
        ("write", _, "") if path.starts_with("pools/<pool>/media/<medium>/") => {
            controls(pool) && pool.m
        }
        ("write", _, "") => pool.u && pool.m,
        other => panic!("an operation that the oracle does not know: {other:?}"),
    }
}

/// Logical media: the owner while he has USE; CONTROL gives back and completes, MODIFY changes the rest.
fn of_logical(verb: &str, path: &str, case: &str, pool: Bits, free: Bits) -> bool {
    match (verb, path, case) {
        ("remove", _, "") => pool.c,
        ("remove", _, "own") => pool.u || pool.c,
        // Note 31: returning a medium to the free pool needs USE of that, too.
        ("remove", _, "to free") => pool.c && free.u,
        ("remove", _, "own, to free") => (pool.u || pool.c) && free.u,
        ("write", "logical/<LMID>/state", _) => pool.u && pool.c,
        ("write", _, "own") => pool.u,
        ("write", _, "" | "own with another's") => pool.u && pool.m,
        other => panic!("an operation that the oracle does not know: {other:?}"),
    }
}

fn of_libraries(verb: &str, path: &str, case: &str, r: &Rights<'_>) -> bool {
    let Rights {
        pool,
        library,
        free,
        ..
    } = *r;
    match (verb, path, case) {
        ("make in" | "rename in", "libraries", _) | ("remove", "libraries/<library>", _) => false,
        ("create in", _, "mount" | "dismount of the own" | "dismount of the own deferred") => {
            library.u && pool.u
        }
        ("create in", _, "mount of several") => library.u && pool.u && free.u,
        ("create in", _, "dismount") => library.u && library.m && pool.u,
        ("create in", _, "dismount drive" | "inventory") => library.u && library.m,
        ("remove", "libraries/<library>/requests/<name>", "own" | "own that waits") => library.u,
        ("remove", "libraries/<library>/requests/<name>", "") => library.u && library.m,
        ("write", _, _) => library.u && library.m,
        other => panic!("an operation that the oracle does not know: {other:?}"),
    }
}

/// In the mount of a tenant the pool is the root, and so everything is behind its door.
fn of_tenants(operation: &str, r: &Rights<'_>) -> bool {
    let Bits { u, m, c } = r.pool;
    u && match operation {
        "list" | "read an attribute" | "read the last refusal" => true,
        "name the own" | "deallocate the own" => true,
        "write an attribute" => m,
        "allocate"
        | "submit a request"
        | "read the result"
        | "remove the request"
        | "rename a medium"
        | "deallocate another's" => c,
        other => panic!("an operation that the oracle does not know: {other}"),
    }
}

/// A row of the table with its pattern.
struct Listed {
    spec: &'static Spec,
    pattern: String,
}

fn table() -> Vec<Listed> {
    let patterns = ntmsfs::fs::manual_files();
    let patterns = patterns
        .lines()
        .map(|line| line.split('\t').next().unwrap());
    let pattern = |path: &str| {
        let path = path.strip_suffix('/').unwrap_or(path);
        if path.is_empty() {
            ".".to_owned()
        } else {
            path.to_owned()
        }
    };
    TREE.iter()
        .zip(patterns)
        .map(|(spec, path)| Listed {
            spec,
            pattern: pattern(path),
        })
        .collect()
}

impl Listed {
    fn node(&self) -> Node {
        Node::new(self.spec.row, ObjectNo(1))
    }

    /// What the script does with it: files that are more than text it opens by itself.
    fn kind(&self) -> &'static str {
        match self.spec.behaviour {
            B::Dir(_) => "dir",
            B::Link(_) => "link",
            B::Transaction | B::Ask | B::Bulk | B::Stream => "control",
            B::Shown(_)
            | B::Attr(..)
            | B::RequestFile(_)
            | B::ResultFile(_)
            | B::History
            | B::Export
            | B::LastError => "file",
        }
    }

    fn is_home(&self) -> bool {
        is_home(self.node())
    }

    /// The verbs that a row may have, and whether it has them.
    fn verbs(&self) -> Vec<(&'static str, bool)> {
        let secured = self.kind() != "link" && parse::chmod(self.node(), 0).is_ok();
        let mut verbs = Vec::new();
        if self.kind() != "link" {
            verbs.extend(["chmod", "chown", "setfacl"].map(|verb| (verb, secured)));
        }
        let entries = |row: Row| TREE.iter().filter(move |spec| spec.parents.contains(&row));
        match self.spec.behaviour {
            B::Dir(dir) => {
                let named =
                    entries(self.spec.row).any(|s| matches!(s.behaviour, B::RequestFile(_)));
                verbs.extend([("make in", dir.make.is_some()), ("create in", named)]);
                if self.spec.row != Row::Root {
                    verbs.push(("remove directory", dir.remove.is_some()));
                }
                if dir.adopt.is_some() {
                    verbs.push(("rename in", true));
                }
            }
            B::Link(_) => verbs.push(("remove", false)),
            B::RequestFile(_) => verbs.push(("remove", true)),
            B::Shown(_)
            | B::Attr(..)
            | B::Transaction
            | B::Ask
            | B::Bulk
            | B::ResultFile(_)
            | B::Stream
            | B::History
            | B::Export
            | B::LastError => {
                let writes = matches!(self.spec.behaviour, B::Attr(..)) || self.kind() == "control";
                verbs.extend([("write", writes), ("remove", false)]);
            }
        }
        let adopted = |dir: &Spec| matches!(dir.behaviour, B::Dir(d) if d.adopt.is_some_and(|(row, _)| row == self.spec.row));
        if self.spec.row != Row::Root && !TREE.iter().any(adopted) {
            verbs.push(("rename", false));
        }
        verbs
    }

    /// The line that the script reads.
    fn line(&self) -> String {
        let never: Vec<&str> = (self
            .verbs()
            .into_iter()
            .filter(|(_, has)| !has)
            .map(|(verb, _)| verb))
        .collect();
        let own = if self.is_home() { "attributes" } else { "" };
        format!(
            "{}\t{}\t{own}\t{}\n",
            self.pattern,
            self.kind(),
            never.join(",")
        )
    }

    /// The operations that the matrix must have for it.
    fn wanted(&self) -> Vec<String> {
        let pattern = &self.pattern;
        let mut out: Vec<String> = (self.verbs().into_iter())
            .map(|(verb, has)| match (verb, has) {
                ("remove directory", true) => format!("remove {pattern}"),
                (_, true) => format!("{verb} {pattern}"),
                (_, false) => format!("never {verb} {pattern}"),
            })
            .collect();
        if !matches!(self.spec.behaviour, B::Transaction | B::Ask | B::Bulk) {
            out.push(format!("read {pattern}"));
        }
        if self.is_home() {
            out.extend(["get", "set"].map(|verb| format!("{verb} attribute {pattern}")));
        }
        out
    }
}

/// Verbs of library requests and kinds of requests to people that are tried, by the word and how the case is called.
const WORDS: [(&str, &str); 4] = [
    ("mount side=a/A", "mount"),
    ("dismount side=a/A", "dismount"),
    ("dismount drive=1", "dismount drive"),
    ("inventory", "inventory"),
];

/// Nothing brings a medium into a port yet, so nobody can follow the link to it.
const NOT_YET: &str = "libraries/<library>/ports/<number>/medium";

/// The tree has no operation that the matrix forgets.
fn demand_all(tried: &BTreeSet<String>) {
    let named = |wanted: &str| {
        tried
            .iter()
            .any(|name| name == wanted || name.starts_with(&format!("{wanted}: ")))
    };
    let rows = table();
    let wanted = rows
        .iter()
        .filter(|row| row.pattern != NOT_YET)
        .flat_map(Listed::wanted);
    let verbs = WORDS.iter().map(|(line, case)| {
        assert!(LibraryRequest::parse(line).is_ok(), "{line}");
        format!("create in libraries/<library>/requests: {case}")
    });
    let commands = ntmsfs::domain::state::OperatorCommand::ALL
        .iter()
        .map(|command| format!("write ask: {command}"));
    let missing: Vec<String> = wanted
        .chain(verbs)
        .chain(commands)
        .filter(|wanted| !named(wanted))
        .collect();
    assert!(missing.is_empty(), "nobody tries\n{}", missing.join("\n"));
}

#[test]
fn nobody_may_more_or_less_than_the_contract_says() {
    if !crate::harness::daemon::can_hide_mounts("the permission matrix") {
        return;
    }
    let tree = Tree::empty();
    let scratch = tree.scratch("scratch");
    std::fs::write(scratch.join("matrix.py"), SCRIPT).unwrap();
    let lines: String = table().iter().map(Listed::line).collect();
    std::fs::write(scratch.join("table"), lines).unwrap();
    tree.unmount();
    acted(&tree, "with gid=4100 prepare");
    // Each by itself, so that none takes long.
    let one = |n| format!("with gid=4100 act {n} < $T/table; with gid=4100,pool=P{n} tenant {n}");
    let output: String = (0..CONFIGURATIONS).map(|n| acted(&tree, &one(n))).collect();
    tree.mount();
    judge(&output);
}

/// Runs steps of the script, each with a mount of its own, where the users have their groups.
fn acted(tree: &Tree, steps: &str) -> String {
    let (program, catalog, at) = tree.places();
    let script = format!(
        "{PEOPLE}
         trap 'cd /; umount {at} || umount -l {at}' EXIT
         with() {{ {program} mount -o \"$1\" {catalog} {at}; cd {at}; shift; python3 $T/matrix.py \"$@\"; cd /; umount {at}; }}
         {steps}; trap - EXIT"
    );
    tree.run_apart(&script).output().to_owned()
}

/// Compares what was allowed with the oracle; every operation must have been tried by everybody in every configuration.
fn judge(output: &str) {
    let (mut wrong, mut tried) = (
        Vec::new(),
        BTreeMap::<String, BTreeSet<(String, String)>>::new(),
    );
    for line in output.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        let [configuration, who, operation, found] = cells[..] else {
            panic!("{line:?}")
        };
        let rights = Rights::of(configuration.parse().unwrap(), who);
        let expected = if allowed(operation, &rights) {
            "yes"
        } else {
            "no"
        };
        if found != expected {
            wrong.push(format!("{line:?}: expected {expected}"));
        }
        let by = (configuration.to_owned(), who.to_owned());
        assert!(
            tried.entry(operation.to_owned()).or_default().insert(by),
            "twice: {line}"
        );
    }
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        output.lines().count(),
        wrong.join("\n")
    );
    for (operation, by) in &tried {
        let everywhere = if operation.starts_with("never ") {
            1
        } else {
            CONFIGURATIONS
        };
        assert_eq!(by.len(), USERS.len() * everywhere, "{operation}");
    }
    demand_all(&tried.into_keys().collect());
}
