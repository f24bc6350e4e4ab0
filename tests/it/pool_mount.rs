//! A mount of one pool as the root: what is below the pool is there, and nothing else can be reached.

use crate::harness::{Shell, Tree, is_guid, until};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// A catalog with a pool of pools for a tenant and a pool of somebody else, each with an allocated medium.
fn catalog() -> (Tree, [String; 2]) {
    let tree = Tree::stocked(6);
    fs::create_dir(tree.path("pools/Tenant")).unwrap();
    for name in ["Daily", "Weekly"] {
        fs::create_dir(tree.path(&format!("pools/Tenant/pools/{name}"))).unwrap();
        tree.write(&format!("pools/Tenant/pools/{name}/media_type"), "LTO-8");
        tree.write(
            &format!("pools/Tenant/pools/{name}/allocate_from_free"),
            "1",
        );
    }
    let other = tree.allocate("Backup", "timeout=0");
    let mine = tree.allocate("Tenant/pools/Daily", "timeout=0");
    (tree, [mine, other])
}

fn mount(tree: &Tree, pool: &str) -> (bool, String) {
    let (program, catalog, at) = tree.places();
    let options = format!("pool={pool}");
    let mut command = Command::new(program);
    command.args(["mount", "-o", &options, catalog, at]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.success(), said)
}

/// Every path that readdir shows, links not followed, and where links lead.
fn walk(dir: &Path, out: &mut Vec<(String, Option<String>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        let target = fs::read_link(&path).ok().map(|target| {
            assert_eq!(
                found.len(),
                u64::try_from(target.as_os_str().len()).unwrap()
            );
            fs::canonicalize(&path)
                .unwrap()
                .to_string_lossy()
                .into_owned()
        });
        out.push((path.to_string_lossy().into_owned(), target));
        if found.is_dir() {
            walk(&path, out);
        }
    }
}

/// statfs(2) of a tenant is about the pool and those below it: sides, and those that can be allocated now.
#[test]
fn a_tenant_sees_how_full_the_own_pool_is() {
    let (tree, _) = catalog();
    for name in ["lto-0003", "lto-0004", "lto-0005"] {
        let from = tree.path(&format!("pools/Free/pools/LTO-8/media/{name}"));
        fs::rename(
            from,
            tree.path(&format!("pools/Tenant/pools/Weekly/media/{name}")),
        )
        .unwrap();
    }
    tree.write("media/lto-0005/enabled", "0");
    tree.unmount();
    for (pool, expected) in [
        ("Tenant", "4 2 2 4 2\n"),
        ("Tenant/Daily", "1 0 0 1 0\n"),
        ("Tenant/Weekly", "3 2 2 3 2\n"),
        ("Free", "9 9 9 9 9\n"),
    ] {
        let path = pool.to_owned();
        assert_eq!(mount(&tree, &path), (true, String::new()));
        let ran = tree.run(Shell::Dash, "stat -f -c '%b %f %a %c %d' .");
        assert_eq!(ran.output(), expected, "{pool}");
        tree.unmount();
    }
    tree.mount();
}

#[test]
fn one_pool_is_the_root_and_nothing_else_is_there() {
    let (tree, [mine, other]) = catalog();
    let number = |path: &str| fs::metadata(tree.path(path)).unwrap().ino();
    let numbers = ["pools/Tenant", "pools/Tenant/pools/Daily/media", "logical"].map(number);
    tree.unmount();
    assert_eq!(mount(&tree, "Tenant"), (true, String::new()));
    assert_eq!([".", "pools/Daily/media", "logical"].map(number), numbers);
    assert_eq!(tree.read("name"), "Tenant\n");
    assert_eq!(tree.names("pools"), ["Daily", "Weekly"]);
    assert_eq!(tree.names("pools/Daily/media"), ["lto-0002"]);
    assert_eq!(tree.names("logical"), [mine.as_str()]);
    for path in [
        "libraries",
        "operator",
        "history",
        "events",
        "status",
        "README",
        "types",
        "by-id",
        "by-barcode",
        "media/lto-0001",
        "pools/Daily/media/lto-0002/slot",
        "pools/Daily/media/lto-0002/library",
        "pools/Tenant",
        "pools/Backup",
        &format!("logical/{other}"),
    ] {
        let found = fs::symlink_metadata(tree.path(path));
        assert_eq!(
            found.unwrap_err().raw_os_error(),
            Some(libc::ENOENT),
            "{path}"
        );
    }
    let (_, _, at) = tree.places();
    let mut all = Vec::new();
    walk(&tree.path("."), &mut all);
    let links: Vec<_> = all
        .iter()
        .filter_map(|(path, to)| Some((path, to.as_ref()?)))
        .collect();
    assert!(links.len() >= 4, "{links:?}");
    for (path, to) in links {
        assert!(to.starts_with(at), "{path} leads to {to}");
    }
    let up = tree.run(
        Shell::Bash,
        "cd pools/Daily/../..; pwd -P; ls -a | head -3; ls -a pools | head -3",
    );
    assert_eq!(
        up.output(),
        format!("{at}\n.\n..\nallocate\n.\n..\nDaily\n")
    );
}

#[test]
fn a_tenant_allocates_and_gives_back() {
    let (tree, [mine, other]) = catalog();
    tree.unmount();
    assert_eq!(mount(&tree, "Tenant/Daily"), (true, String::new()));
    assert!(tree.names(".").contains(&"logical".to_owned()));
    let script = format!(
        "exec 3<>allocate; echo timeout=0 >&3; read -r l <&3; echo $l
         echo timeout=0 > requests/a; cat results/a; ls logical | wc -l
         realpath --relative-to=. logical/$l/pool logical/$l/side; rmdir logical/$l; rm requests/a
         ls logical/{mine}/side/logical/pool/media/lto-0002/pool/logical"
    );
    let ran = tree.run(Shell::Bash, &script);
    let lines: Vec<&str> = ran.output().lines().collect();
    assert!(is_guid(lines[0]) && is_guid(lines[1]), "{ran:?}");
    assert_eq!(lines[2..5], ["3", ".", "media/lto-0003/sides/A"]);
    assert!(
        lines[5..].contains(&mine.as_str()) && lines.len() == 7,
        "{ran:?}"
    );
    let ran = tree.run(
        Shell::Bash,
        &format!("rmdir logical/{other} media/lto-0002; cat last-error"),
    );
    assert!(
        ran.stderr.contains("No such file") && ran.stderr.contains("not empty"),
        "{ran:?}"
    );
    assert!(ran.stdout.starts_with("0x8007"), "{ran:?}");
    tree.remount();
    assert!(tree.names("logical").contains(&other));
}

#[test]
fn a_pool_that_is_not_there_is_refused() {
    let (tree, [_, other]) = catalog();
    tree.run(
        Shell::Bash,
        "exec 3<>pools/Backup/import; seq -f 'm%04g' 0 9 >&3",
    )
    .output();
    tree.unmount();
    for (pool, words) in [
        ("Tenant/None", "there is no pool \"Tenant/None\""),
        ("None", "there is no pool \"None\""),
        ("", "the path of a pool"),
        ("/Tenant", "the path of a pool"),
        ("Tenant/../Backup", "there is no pool"),
    ] {
        let (mounted, said) = mount(&tree, pool);
        assert!(!mounted && said.contains(words), "{pool}: {said}");
    }
    until("the catalog is free again", || {
        mount(&tree, "Backup").0.then_some(())
    });
    assert_eq!(tree.names("logical"), [other]);
    assert_eq!(tree.names("media").len(), 11);
}
