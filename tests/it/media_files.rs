//! Media, sides, logical media and pool policies as files of a real mount.

use crate::harness::{Shell, Tree};

#[test]
fn mkdir_makes_the_record_of_a_medium_on_a_shelf() {
    let tree = Tree::stocked(1);
    let ran = tree.run(
        Shell::Dash,
        "cd pools; mkdir Archive/media/shelf; cd Archive/media/shelf; cat name state location media_type
         ls sides; cat sides/A/state; cd ../../..; ls Archive/media; readlink ../media/shelf
         mkdir Import/pools/MO-5.25/media/foreign; cat ../media/foreign/sides/B/state
         rmdir Archive/media/shelf; ls Archive/media",
    );
    let expected = "shelf\nidle\noffline\nMO-5.25\nA\nB\navailable\nshelf\n../pools/Archive/media/shelf\nimport\n";
    assert_eq!(ran.output(), expected);
    for (at, code) in [
        ("Free/pools/MO-5.25/media/x", "0x800710CE "),
        ("Unrecognized/pools/MO-5.25/media/x", "0x800710CE "),
        ("Import/media/x", "0x800710CE "),
        ("Archive/media/foreign", "0x800700B7 "),
        ("Archive/media/shelf/x", "0x80070032 "),
    ] {
        let script = format!(
            "mkdir pools/Archive/media/shelf 2>$T/noise; mkdir pools/{at} 2>$T/noise || cat last-error"
        );
        let ran = tree.run(Shell::Dash, &script);
        assert!(ran.stdout.starts_with(code), "{at}: {ran:?}");
    }
}

#[test]
fn a_side_rests_after_it_was_given_back() {
    let tree = Tree::stocked(1);
    let ran = tree.run(
        Shell::Dash,
        "cd pools/Backup; cat reuse_delay; echo 90d > reuse_delay; cat reuse_delay
         exec 3<>allocate; echo timeout=0 >&3; read -r l <&3; exec 3<&-; rmdir ../../logical/$l
         cat media/lto-0001/sides/A/state; grep -E '^(available|resting)' counts; grep resting why
         cut -c 5 media/lto-0001/sides/A/rests_until
         exec 3<>allocate; echo timeout=0 >&3; read -r l <&3; exec 3<&-; echo $l
         echo infinite > reuse_delay || cut -c -10 ../../last-error",
    );
    let lines = ran.lines();
    assert_eq!(lines[..3], ["0", "2160h", "available"], "{ran:?}");
    let words = |line: &str| {
        line.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(lines[3]), ["available", "1"], "{ran:?}");
    assert_eq!(words(lines[4]), ["resting", "1"], "{ran:?}");
    assert_eq!(words(lines[5]), ["resting", "1", "0"], "{ran:?}");
    assert_eq!(lines[6], "-", "{ran:?}");
    assert!(lines[7].starts_with("0x800710D4 "), "{ran:?}");
    assert!(lines[7].contains("1 resting"), "{ran:?}");
    assert_eq!(lines[8], "0x80070057", "{ran:?}");
    let ran = tree.run(
        Shell::Bash,
        "cd pools/Backup; echo 0 > reuse_delay
         mkdir media/two; rmdir media/two
         echo 200ms > reuse_delay; mv ../Free/pools/MO-5.25/media/* ../Archive/media/; cd ../Archive
         echo 200ms > reuse_delay; exec 3<>allocate; echo side=mo-0001/A >&3; read -r l <&3; exec 3<&-
         exec 3<>allocate; echo side=mo-0001/B >&3; read -r m <&3; exec 3<&-
         for n in 2 3 4; do exec 3<>allocate; echo new side=mo-000$n/A >&3; read -r x <&3; exec 3<&-; done
         exec 3<>allocate; echo timeout=60s >&3; rmdir ../../logical/$l; read -r k <&3
         cat ../../logical/$k/side/../../name",
    );
    assert_eq!(ran.output(), "mo-0001\n");
}

#[test]
fn logical_media_are_swapped_and_labelled() {
    let tree = Tree::stocked(2);
    let ran = tree.run(
        Shell::Bash,
        "take() { exec 3<>pools/Backup/allocate; echo \"timeout=0 side=$1/A\" >&3; read -r l <&3; exec 3<&-; }
         mv pools/Free/pools/LTO-8/media/lto-000[12] pools/Backup/media/
         take lto-0001; a=$l; take lto-0002; b=$l; cd logical
         cat $a/label $a/swap; echo type=MTF id=4711 'info=\"week 7\"' capacity=12000000000000 > $a/label
         cat $a/label; cd $a/side; cat label_type label_id label_info capacity; cd ~-
         echo $b > $a/swap; cat $a/side/../../name $b/side/../../name $b/label
         echo type=MTF > $a/label || cut -c -10 ../last-error
         echo $a > $a/swap || cut -c -10 ../last-error
         echo bogus > $a/swap || cut -c -10 ../last-error
         echo complete > $b/state; echo $b > $a/swap || cut -c -10 ../last-error",
    );
    let label = "type=MTF id=4711 info=\"week 7\" capacity=12000000000000";
    let label = label.replace("\"week 7\"", "'week 7'");
    let expected = format!(
        "\n\n{label}\nMTF\n4711\nweek 7\n12000000000000\nlto-0002\nlto-0001\n{label}\n\
         0x80070057\n0x800710CC\n0x800710CC\n0x8007139F\n"
    );
    assert_eq!(ran.stdout.replace('"', "'"), expected, "{ran:?}");
}

#[test]
fn a_pool_keeps_as_many_available_as_it_wants() {
    let tree = Tree::stocked(3);
    let ran = tree.run(
        Shell::Dash,
        "cd pools/Backup; cat want_available; echo 2 > want_available; ls media
         exec 3<>allocate; echo timeout=0 >&3; read -r l <&3; exec 3<&-; ls media; ls ../../operator
         exec 3<>allocate; echo timeout=0 >&3; read -r l <&3; exec 3<&-
         cd ../../operator/*; cat command state pool/name; grep -c 'wants 2 sides available and has 1' message
         rmdir ../../logical/$l; ls ..
         echo 1001 > ../../pools/Backup/want_available || cut -c -10 ../../last-error
         echo 1 > ../../pools/Free/pools/LTO-8/want_available || cut -c -10 ../../last-error",
    );
    let expected = "0\nlto-0001\nlto-0002\nlto-0001\nlto-0002\nlto-0003\nnew-media\nsubmitted\nBackup\n1\n\
                    0x80070057\n0x800710CE\n";
    assert_eq!(ran.stdout, expected, "{ran:?}");
}
