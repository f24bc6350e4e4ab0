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
