//! The catalog as file tools see it: directories that sort by state, owner and place, and times and sizes that mean
//! something to `find`, `ls -t` and `df`.

use crate::harness::{ROOT, Shell, Tree, User, is_guid, same, until};

const OWNER: User = User {
    uid: 4200,
    gid: 4200,
    groups: "",
};

#[test]
fn sides_are_found_by_their_state() {
    let tree = Tree::stocked(3);
    let states = "available allocated complete reserved import foreign unprepared incompatible decommissioned unknown";
    let mut states: Vec<&str> = states.split(' ').collect();
    states.sort_unstable();
    assert_eq!(tree.names("by-state"), states);
    let lmid = tree.allocate("Backup", "side=lto-0002/A");
    assert_eq!(tree.names("by-state/allocated"), ["lto-0002.A"]);
    let both = tree.names("by-state/available");
    assert_eq!(
        both.len(),
        10,
        "two tapes and four disks of two sides: {both:?}"
    );
    assert!(both.contains(&"mo-0001.B".to_owned()) && !both.contains(&"lto-0002.A".to_owned()));
    assert_eq!(
        tree.read("by-state/allocated/lto-0002.A/state"),
        "allocated\n"
    );
    let script =
        "readlink by-state/allocated/*; cd by-state/allocated/lto-0002.A && cat logical/id";
    let ran = tree.run(Shell::Dash, script);
    let home = "../../pools/Backup/media/lto-0002/sides/A";
    same(&ran, ran.output(), &format!("{home}\n{lmid}\n"));
    tree.write(&format!("logical/{lmid}/state"), "complete");
    assert_eq!(tree.names("by-state/complete"), ["lto-0002.A"]);
    assert!(tree.names("by-state/allocated").is_empty());
    let ran = tree.run(Shell::Dash, "ls by-state/allocated/lto-0002.A");
    assert!(ran.stderr.contains("No such file"), "{ran:?}");
    // A set of sides keeps the rest for its owner.
    tree.allocate("Archive", "new side=mo-0003/A");
    assert_eq!(tree.names("by-state/reserved"), ["mo-0003.B"]);
    tree.run(Shell::Dash, &format!("rmdir logical/{lmid}"))
        .output();
    assert!(tree.names("by-state/complete").is_empty());
    assert_eq!(tree.names("by-state/available").len(), 9);
}

#[test]
fn logical_media_are_found_by_their_owner() {
    let tree = Tree::stocked(3);
    assert!(tree.names("by-owner").is_empty());
    let mine = tree.allocate("Backup", "timeout=0");
    tree.run(Shell::Dash, "chmod 777 pools/Backup pools/Backup/allocate")
        .output();
    let allocate = "exec 3<>pools/Backup/allocate; echo timeout=0 >&3; read -r l <&3; echo $l";
    let theirs = until("the right is there", || {
        let ran = tree.run_as(OWNER, Shell::Dash, allocate);
        let lmid = ran.stdout.trim_end().to_owned();
        is_guid(&lmid).then_some(lmid)
    });
    assert_eq!(tree.names("by-owner"), ["0", "4200"]);
    assert_eq!(tree.names("by-owner/4200"), [theirs.as_str()]);
    assert_eq!(tree.names("by-owner/0"), [mine.as_str()]);
    assert_eq!(
        tree.read(&format!("by-owner/4200/{theirs}/owner")),
        "4200\n"
    );
    let all = "for l in by-owner/4200/*; do rmdir logical/${l##*/}; done; ls by-owner";
    assert_eq!(tree.run_as(OWNER, Shell::Dash, all).output(), "0\n");
}

#[test]
fn media_are_found_by_their_place() {
    let tree = Tree::stocked(2);
    tree.write("pools/Backup/import", "shelved");
    assert_eq!(tree.names("by-location"), ["libraries", "offline"]);
    assert_eq!(tree.names("by-location/libraries"), ["lto", "mo"]);
    assert_eq!(tree.names("by-location/libraries/lto"), ["1", "2"]);
    assert_eq!(tree.names("by-location/offline"), ["shelved"]);
    let ran = tree.run(
        Shell::Dash,
        "readlink by-location/libraries/lto/2 by-location/offline/shelved",
    );
    let homes =
        "../../../pools/Free/pools/LTO-8/media/lto-0002\n../../pools/Backup/media/shelved\n";
    same(&ran, ran.output(), homes);
    assert_eq!(tree.read("by-location/libraries/lto/2/location"), "lto/2\n");
    tree.write("pools/Backup/import", "racked slot=lto/7");
    assert_eq!(tree.names("by-location/libraries/lto"), ["1", "2", "7"]);
    // A library may have any name: what is offline has a directory of its own.
    tree.library("offline", "type=LTO-8 slots=2 drives=1 cartridges=1");
    assert_eq!(tree.names("by-location/libraries/offline"), ["1"]);
}

#[test]
fn find_and_ls_are_the_query_language() {
    let tree = Tree::stocked(3);
    let script = "touch -d '1 hour ago' $T/before; find media -newer $T/before | wc -l
        find -L media -maxdepth 1 -mtime +1; find -L by-state/available -maxdepth 1 -mmin -60 -name '*.A' | wc -l";
    let ran = tree.run_as(ROOT, Shell::Dash, script);
    same(&ran, ran.output(), "8\n7\n");
    // What was changed last stands first; a change of a side is a change of its medium.
    let lmid = tree.allocate("Backup", "side=lto-0002/A");
    let newest = |what: &str| {
        let ran = tree.run(Shell::Dash, &format!("ls -1t {what} | head -n 1"));
        ran.output().trim_end().to_owned()
    };
    assert_eq!(newest("media"), "lto-0002");
    assert_eq!(newest("-L media"), "lto-0002");
    tree.write("pools/Free/pools/LTO-8/media/lto-0003/description", "new");
    assert_eq!(newest("media"), "lto-0003");
    tree.write(&format!("logical/{lmid}/state"), "complete");
    assert_eq!(newest("media"), "lto-0002");
    assert_eq!(newest("-L by-location/libraries/lto"), "2");
    // Never mounted: atime is when the medium came into the catalog, and a change leaves it.
    let times = "import os; p = 'pools/Backup/media/lto-0002'
s, t = os.stat(p), os.stat('libraries/lto')
d, n = os.stat(p + '/sides/A'), os.stat(p + '/name')
print(s.st_atime < s.st_mtime, s.st_mtime == s.st_ctime, d.st_atime == s.st_atime == n.st_atime, s.st_nlink, n.st_nlink)
print(len(open(p + '/name').read()) == n.st_size, n.st_blocks)
v = os.statvfs('.')
print(v.f_blocks, v.f_bfree, v.f_files, v.f_ffree)";
    let ran = tree.run(Shell::Python, times);
    same(
        &ran,
        ran.output(),
        "True True True 1 1\nTrue 1\n11 10 11 10\n",
    );
    let ran = tree.run(
        Shell::Dash,
        "du --apparent-size -bs media/lto-0002/ | cut -f 2; df --output=size -B 512 . | tail -n 1",
    );
    assert!(
        ran.output().ends_with(" 11\n") || ran.output().ends_with("\n11\n"),
        "{ran:?}"
    );
}

/// Blocks of a side are its capacity, so du adds up what media hold, by pool and by owner.
#[test]
fn du_adds_up_capacities() {
    let tree = Tree::stocked(3);
    let lmids = [2, 3].map(|n| tree.allocate("Backup", &format!("side=lto-000{n}/A")));
    for (lmid, capacity) in lmids.iter().zip([12_000_000_000_000_u64, 1_000]) {
        tree.write(
            &format!("logical/{lmid}/label"),
            &format!("type=raw id=x capacity={capacity}"),
        );
    }
    let blocks = |path: &str| {
        let ran = tree.run(Shell::Dash, &format!("stat -L -c '%b %s' {path}"));
        ran.output().trim_end().to_owned()
    };
    let medium = "pools/Backup/media/lto-0002";
    assert_eq!(blocks(&format!("{medium}/sides/A")), "23437500000 0");
    assert_eq!(blocks(&format!("logical/{}", lmids[0])), "23437500000 0");
    assert_eq!(blocks("media/lto-0003/sides/A"), "2 0");
    assert_eq!(blocks("media/lto-0001/sides/A"), "0 0", "nobody said it");
    assert_eq!(blocks(medium), "0 0");
    let ran = tree.run(
        Shell::Dash,
        "du -s -B GB pools/Backup pools/Archive; du -csD -B GB by-owner/0/* | tail -n 1",
    );
    same(
        &ran,
        ran.output(),
        "12001GB\tpools/Backup\n1GB\tpools/Archive\n12001GB\ttotal\n",
    );
    // Ordinary files are no holes: what copies them must read them.
    assert_eq!(blocks("README"), {
        let size = tree.read("README").len();
        format!("{} {size}", size.div_ceil(512))
    });
}
