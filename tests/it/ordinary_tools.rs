//! Ordinary programs on every file of the tree: each reads exactly what stat(2) promised, and reading changes nothing.

use crate::harness::{Running, Shell, Tree, reader, until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread;

/// A tree with something of everything.
fn busy() -> Tree {
    let tree = Tree::stocked(12);
    tree.allocate("Backup", "timeout=0 name=one");
    let first = tree.allocate("Archive", "new timeout=0");
    tree.allocate("Archive", &format!("next media={first}"));
    tree.write(
        "pools/Backup/requests/done",
        "timeout=0 allocate-information",
    );
    tree.write("pools/Backup/requests/failed", "side=nobody/A");
    tree.write(
        "pools/Backup/import",
        "SHELF barcode=S1 description=\"on a shelf\"",
    );
    settle(&tree);
    tree
}

/// That an LMID was read is recorded a moment later; after that the tree is idle.
fn settle(tree: &Tree) {
    until("each delivery is recorded", || {
        let (mut given, mut read) = (BTreeSet::new(), BTreeSet::new());
        for line in tree.read("history").lines() {
            let record: Value = serde_json::from_str(line).expect("one object a line");
            let detail = &record["detail"];
            if detail["event"] == "allocated" && detail["allocation"]["request"]["no"].is_null() {
                given.insert(detail["allocation"]["logical"]["no"].as_i64());
            }
            read.extend(
                detail["logical"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(Value::as_i64),
            );
        }
        given.is_subset(&read).then_some(())
    });
}

/// Every regular file that readdir shows.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("its type");
        if kind.is_dir() {
            out.extend(files(&entry.path()));
        } else if kind.is_file() {
            out.push(entry.path());
        }
    }
    out.sort();
    out
}

#[test]
fn a_read_gives_as_many_bytes_as_stat_says() {
    let tree = busy();
    let files = files(&tree.path(""));
    assert!(files.len() > 400, "{} files", files.len());
    for path in &files {
        let size = fs::metadata(path).expect("stat").len();
        let bytes = fs::read(path).expect("read");
        assert_eq!(u64::try_from(bytes.len()), Ok(size), "{}", path.display());
        assert!(
            bytes.is_empty() || bytes.ends_with(b"\n"),
            "{}",
            path.display()
        );
    }
    let sum: u64 = files
        .iter()
        .map(|path| fs::metadata(path).expect("stat").len())
        .sum();
    for script in [
        "find . -type f -exec cat {} + | wc -c",
        "find . -type f -exec wc -c {} + | awk '/ total$/ { s += $1 } END { print s }'",
        "find . -type f -exec stat -c %s {} + | awk '{ s += $1 } END { print s }'",
        "find . -type f -exec head -qc 1000000 {} + | wc -c",
        "find . -type f -exec sh -c 'for f; do cat \"$f\" | cat; done' sh {} + | wc -c",
        "find . -type f -exec sh -c 'for f; do tail -c +1 \"$f\"; done' sh {} + | wc -c",
    ] {
        assert_eq!(
            tree.run(Shell::Bash, script).output().trim(),
            sum.to_string(),
            "{script}"
        );
    }
}

#[test]
fn copies_are_equal_whatever_copies() {
    let tree = busy();
    let ran = tree.run(
        Shell::Bash,
        "set -e; mkdir $T/cat $T/tar $T/cp $T/rsync
         find . -type d -exec sh -c 'for d; do mkdir -p \"$T/cat/$d\"; done' sh {} +
         find . -type f -exec sh -c 'for f; do cat \"$f\" > \"$T/cat/$f\"; done' sh {} +
         find . -type l -exec cp -P --parents -t $T/cat {} +
         tar cf - . | tar xf - -C $T/tar
         cp -r . $T/cp
         rsync -a --no-D ./ $T/rsync/
         # a file is closed a moment after the call that closes it has ended
         for d in tar cp rsync; do diff -r -I '^ntmsfs_open_files ' --no-dereference $T/cat $T/$d; done
         for n in 1 2; do tar cf $T/$n.tar --exclude=./metrics . ; done; cmp $T/1.tar $T/2.tar
         rsync -ain ./ $T/rsync/ | grep -v '^\\.d' || true",
    );
    assert_eq!(ran.output(), "", "no difference");
}

/// But for the number of open files in `metrics`: a file is closed a moment after the call that closes it has ended.
#[test]
fn two_crawls_of_an_idle_tree_are_identical() {
    let tree = busy();
    let crawls = [
        "find . -ls",
        "find . -printf '%i %y %m %u %g %s %n %T@ %p %l\\n'",
        "ls -lRi",
        "ls -laR --full-time",
        "du -ab",
        "du -s",
        "grep -r . . | grep -v '^./metrics:ntmsfs_open_files '",
        "grep -rc '' .",
        "tar cf - --exclude=./metrics . | sha256sum",
        "find . -type f ! -path ./metrics -exec sha256sum {} +",
        "find -L . -maxdepth 3 -name id -exec cat {} +",
        "stat -f .; df . | tail -n 1",
    ];
    for script in crawls {
        let (one, two) = (tree.run(Shell::Bash, script), tree.run(Shell::Bash, script));
        assert!(!one.output().is_empty(), "{script}");
        assert_eq!(one.output(), two.output(), "{script}");
    }
}

#[test]
fn programs_that_splice() {
    let tree = busy();
    let ran = tree.run(
        Shell::Python,
        "
import os, errno
def spliced(path):
    out, (r, w), d = b'', os.pipe(), os.open(path, os.O_RDONLY)
    while n := os.splice(d, w, 4096): out += os.read(r, n)
    for e in r, w, d: os.close(e)
    return out
def sent(path):
    d, o = os.open(path, os.O_RDONLY), os.open(os.environ['T'] + '/sent', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    at = 0
    while n := os.sendfile(o, d, at, 1 << 16): at += n
    os.close(d); os.close(o)
    return open(os.environ['T'] + '/sent', 'rb').read()
def ranged(path):
    d, o = os.open(path, os.O_RDONLY), os.open(os.environ['T'] + '/ranged', os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        while os.copy_file_range(d, o, 1 << 16): pass
    except OSError as e:
        if e.errno in (errno.EXDEV, errno.EINVAL, errno.EOPNOTSUPP): return None  # programs copy by hand then
        raise
    os.close(d); os.close(o)
    return open(os.environ['T'] + '/ranged', 'rb').read()
wrong, number = [], 0
for top, _, names in os.walk('.'):
    for name in names:
        path = os.path.join(top, name)
        if os.path.islink(path): continue
        text, number = open(path, 'rb').read(), number + 1
        for how in spliced, sent, ranged:
            got = how(path)
            if got is not None and got != text: wrong.append((how.__name__, path))
print(number > 400, wrong)
",
    );
    assert_eq!(ran.output(), "True []\n");
}

#[test]
fn small_reads_and_editors() {
    let tree = busy();
    let ran = tree.run(
        Shell::Bash,
        "for f in README status pools/Backup/why pools/Backup/counts pools/Backup/results/done libraries/lto/driver; do
           dd if=$f bs=1 2>$T/noise | cmp - $f; dd if=$f bs=7 skip=1 2>$T/noise | cmp - <(tail -c +8 $f)
           while IFS= read -r line; do printf '%s\\n' \"$line\"; done < $f | cmp - $f
         done
         for s in wc md5sum od sort 'awk 1' 'sed p'; do $s README > $T/noise; done; echo read",
    );
    assert_eq!(ran.output(), "read\n");
    let script = "vim -es -u NONE -i NONE -n -c \"w! $T/vim\" -c 'q!' README; cmp README $T/vim";
    let ran = tree.run(Shell::Bash, script);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    tree.run(
        Shell::Bash,
        "vim -es -u NONE -i NONE -c '%s/.*/edited/' -c 'wq!' pools/Backup/description",
    );
    assert_eq!(tree.read("pools/Backup/description"), "edited\n");
}

#[test]
fn tail_follows_the_history() {
    let tree = busy();
    let file = tree.scratch("scratch").join("followed");
    let tail: Running = tree.spawn(
        Shell::Bash,
        "exec tail -c +1 -s 0.05 -f history > $T/followed",
    );
    let followed = || fs::read_to_string(&file).unwrap_or_default();
    until("all that there is", || {
        (followed() == tree.read("history")).then_some(())
    });
    for number in 0..5 {
        fs::create_dir(tree.path(&format!("pools/new-{number}"))).expect("a pool");
    }
    until("the new records", || {
        (followed() == tree.read("history")).then_some(())
    });
    assert!(followed().contains("new-4"));
    for line in followed().lines() {
        serde_json::from_str::<Value>(line).expect("one object a line");
    }
    drop(tail);
}

#[test]
fn crawling_never_waits_and_changes_nothing() {
    let tree = busy();
    tree.pool("Empty", "LTO-3");
    tree.write("pools/Empty/allocate_from_free", "0");
    tree.write("pools/Empty/requests/waits", "timeout=10m");
    let waits = reader(tree.path("pools/Empty/results/waits"));
    let transaction = tree.spawn(
        Shell::Dash,
        "exec 3<>pools/Empty/allocate; echo timeout=10m >&3; read -r l <&3; echo $l",
    );
    let stream = tree.spawn(Shell::Dash, "exec cat events");
    until("both wait", || {
        (tree.names("operator").len() == 2).then_some(())
    });
    settle(&tree);
    let history = tree.read("history");
    for script in [
        "find . -ls > $T/noise",
        "grep -r nothing-has-this . ; test $? = 1",
        "tar cf - . > $T/noise",
        "cp -r . $T/crawled",
        "rsync -a --no-D ./ $T/crawled2/",
        "find . -type f -exec cat {} + > $T/noise",
        "du -a > $T/noise; ls -lR > $T/noise",
    ] {
        tree.run(Shell::Bash, script).output();
    }
    assert_eq!(tree.read("history"), history);
    assert!(!waits.is_finished());
    tree.write("pools/Empty/import", "A1");
    fs::remove_file(tree.path("pools/Empty/requests/waits")).expect("cancelled");
    assert!(
        waits
            .join()
            .expect("no panic")
            .expect("a result")
            .starts_with("0x800704C7 ")
    );
    drop((transaction, stream));
    until("a transaction that is closed waits no more", || {
        tree.names("operator").is_empty().then_some(())
    });
}

/// Reads a file at odd places, beyond its end too.
fn read_oddly(path: &Path) {
    let file = File::open(path).expect("open");
    let size = file.metadata().expect("stat").len();
    for offset in [
        0,
        1,
        7,
        4095,
        size.saturating_sub(1),
        size,
        size + 1,
        1 << 40,
        i64::MAX.unsigned_abs() - 70_000,
    ] {
        for length in [1, 2, 13, 511, 4097, 65_537] {
            let mut buffer = vec![0; length];
            let read = file.read_at(&mut buffer, offset).expect("a read");
            let rest = usize::try_from(size.saturating_sub(offset)).unwrap_or(usize::MAX);
            assert_eq!(
                read,
                rest.min(length),
                "{} {offset} {length}",
                path.display()
            );
        }
    }
}

#[test]
fn everything_is_read_oddly_by_eight_threads() {
    let tree = busy();
    let files = files(&tree.path(""));
    let readers: Vec<_> = (0..8_usize)
        .map(|start| {
            let files = files.clone();
            thread::spawn(move || {
                let turned = files
                    .iter()
                    .cycle()
                    .skip(start * files.len() / 8)
                    .take(files.len());
                turned.step_by(2).for_each(|path| read_oddly(path));
            })
        })
        .collect();
    for reader in readers {
        reader.join().expect("it ends");
    }
}
