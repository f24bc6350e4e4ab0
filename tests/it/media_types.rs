//! Types of media: what they are, and which one a medium is of.

use crate::harness::world::{World, root, user};
use crate::harness::{Shell, Tree};
use crate::pools::moving;
use ntmsfs::domain::ask::{Ask, Reply, SetMedium, SetType};
use ntmsfs::domain::error::ErrorKind;
use ntmsfs::domain::id::{CATALOG, ObjectNo};
use ntmsfs::manager::read;
use ntmsfs::store::fact;

const WORM: &str = "WORM-12";

/// What an answer is: done, or the kind of the refusal.
fn kind<T>(answer: ntmsfs::domain::error::Result<T>) -> Result<(), ErrorKind> {
    answer.map(drop).map_err(|refusal| refusal.kind)
}

/// Each row: the medium, the type, and the pool it is in afterwards or the refusal.
#[test]
fn the_table_of_types_of_a_medium() {
    use ErrorKind as E;
    for (medium, wanted, expected) in [
        ("abroad", WORM, Ok("Import/WORM-12")),
        ("abroad", "MO-5.25", Ok("Import/MO-5.25")),
        ("abroad", "LTO-8", Err(E::MediaIncompatible)),
        ("abroad", "no such", Err(E::InvalidMedia)),
        ("abroad", "", Err(E::InvalidMedia)),
        ("free", WORM, Err(E::MediaIncompatible)),
        ("import", WORM, Err(E::MediaIncompatible)),
        ("import", "MO-5.25", Ok("Import/MO-5.25")),
        ("offline", WORM, Err(E::MediaIncompatible)),
        ("offline", "MO-5.25", Ok("Home")),
        ("allocated", WORM, Err(E::Busy)),
        ("complete", WORM, Err(E::Busy)),
        ("reserved", WORM, Err(E::Busy)),
    ] {
        let (mut world, _) = moving();
        let before = world.medium(medium);
        let states = world.states(medium);
        let set = SetMedium::MediaType(wanted.to_owned());
        let answer = world.ask(&root(), Ask::SetMedium { no: before.no, set });
        assert_eq!(kind(answer), expected.map(drop), "{medium} {wanted}");
        let after = world.medium(medium);
        if let Ok(path) = expected {
            let pool = fact::pool(world.db(), after.pool).expect("a pool");
            assert_eq!(read::pool_path(world.db(), &pool).expect("a path"), path);
            assert_eq!(after.media_type, wanted);
        }
        if expected.is_err() || wanted == before.media_type {
            assert_eq!(after, before, "{medium} {wanted}");
        }
        assert_eq!(world.states(medium), states, "{medium} {wanted}");
        world.sound();
    }
}

/// MODIFY of the pool, and what a move needs.
#[test]
fn the_type_of_a_medium_needs_the_rights_of_a_move() {
    let (mut world, _) = moving();
    let no = world.medium("abroad").no;
    let set = SetMedium::MediaType(WORM.to_owned());
    let answer = world.ask(&user(7), Ask::SetMedium { no, set });
    assert_eq!(kind(answer), Err(ErrorKind::AccessDenied));
}

fn add(world: &mut World, name: &str) -> ObjectNo {
    let name = name.to_owned();
    match world.ask(&root(), Ask::AddType { name }) {
        Ok(Reply::Created(no)) => no,
        other => panic!("{other:?}"),
    }
}

/// Each row: what is written to a type that nothing uses, and the answer.
#[test]
fn a_type_that_nothing_uses_can_be_changed() {
    let bad = Err(ErrorKind::InvalidParameter);
    for (set, expected) in [
        (SetType::Sides(0), bad),
        (SetType::Sides(9), bad),
        (SetType::Sides(1), Ok(())),
        (SetType::Sides(8), Ok(())),
        (SetType::ReadWrite("never".to_owned()), bad),
        (SetType::ReadWrite("write-once".to_owned()), Ok(())),
        (SetType::ReadWrite("read-only".to_owned()), Ok(())),
        (SetType::Description("slabs".to_owned()), Ok(())),
    ] {
        let mut world = World::new();
        let no = add(&mut world, "Stone");
        let ask = Ask::SetType { no, set };
        let denied = kind(world.ask(&user(7), ask.clone()));
        assert_eq!(denied, Err(ErrorKind::AccessDenied), "{ask:?}");
        assert_eq!(kind(world.ask(&root(), ask.clone())), expected, "{ask:?}");
        world.sound();
    }
}

/// What a catalog gets before a test.
type Prepare = fn(&mut World);

/// Whatever uses a type keeps it as it is; the same value is no change.
#[test]
fn a_type_in_use_is_fixed() {
    let uses: [(&str, Prepare); 4] = [
        ("a pool", |world| {
            world.pool(CATALOG, "Quarry", "Stone");
        }),
        ("a medium", |world| {
            let free = leaf(world, "Import");
            world.import(free, "slab");
        }),
        ("a library", |world| {
            world.library("box", "Stone", 2);
        }),
        ("nothing", |world| {
            leaf(world, "Import");
        }),
    ];
    for (what, prepare) in uses {
        let mut world = World::new();
        let no = add(&mut world, "Stone");
        prepare(&mut world);
        let expected = if what == "nothing" {
            Ok(())
        } else {
            Err(ErrorKind::NotEmpty)
        };
        for set in [
            SetType::Sides(2),
            SetType::ReadWrite("write-once".to_owned()),
            SetType::Description("slabs".to_owned()),
        ] {
            let answer = world.ask(&root(), Ask::SetType { no, set });
            assert_eq!(kind(answer), expected, "{what}");
        }
        if expected.is_err() {
            let set = SetType::Sides(1);
            world.done(Ask::SetType { no, set });
        }
        assert_eq!(
            kind(world.ask(&root(), Ask::RemoveType { no })),
            expected,
            "{what}"
        );
        world.sound();
    }
}

#[test]
fn a_type_is_added_once_and_goes_when_nobody_uses_it() {
    let mut world = World::new();
    let no = add(&mut world, "Stone");
    for (who, name, expected) in [
        (0, "Stone", ErrorKind::AlreadyExists),
        (7, "Clay", ErrorKind::AccessDenied),
    ] {
        let name = name.to_owned();
        let answer = world.ask(&user(who), Ask::AddType { name });
        assert_eq!(kind(answer), Err(expected));
    }
    let pool = world.pool(CATALOG, "Quarry", "Stone");
    let medium = world.import(pool, "slab");
    let ends = [
        Ask::RemoveMedium { no: medium },
        Ask::RemovePool { no: pool },
    ];
    for end in ends {
        let kept = world.ask(&root(), Ask::RemoveType { no });
        assert_eq!(kind(kept), Err(ErrorKind::NotEmpty));
        world.done(end);
    }
    world.done(Ask::RemoveType { no });
    assert_eq!(read::media_type(world.db(), no), Ok(None));
    world.sound();
}

/// Makes the leaf of a system pool for the type.
fn leaf(world: &mut World, system: &str) -> ObjectNo {
    let parent = read::pool_named(world.db(), CATALOG, system)
        .expect("a pool")
        .expect("a pool")
        .no;
    let name = "Stone".to_owned();
    let made = world.ask(
        &root(),
        Ask::CreatePool {
            parent,
            name,
            mode: 0o755,
        },
    );
    match made {
        Ok(Reply::Created(no)) => no,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_medium_takes_another_type() {
    let tree = Tree::stocked(1);
    let ran = tree.run(
        Shell::Dash,
        "mkdir pools/Import/pools/MO-5.25/media/disk; cd media/disk; echo WORM-12 > media_type; cat media_type
         cd ../..; readlink media/disk; cat media/disk/sides/A/state
         echo LTO-8 > media/disk/media_type 2>$T/noise || cat last-error
         echo LTO-7 > media/lto-0001/media_type 2>$T/noise || cat last-error; readlink media/disk",
    );
    let expected = "WORM-12\n../pools/Import/pools/WORM-12/media/disk\nimport\n\
        0x800710DB ERROR_MEDIA_INCOMPATIBLE medium \"disk\" has 2 sides, LTO-8 media have 1\n\
        0x800710DB ERROR_MEDIA_INCOMPATIBLE medium \"lto-0001\" is in library \"lto\", which takes LTO-8, not LTO-7\n\
        ../pools/Import/pools/WORM-12/media/disk\n";
    assert_eq!(ran.output(), expected);
}

#[test]
fn a_new_type_becomes_what_it_is() {
    let tree = Tree::stocked(0);
    let ran = tree.run(
        Shell::Dash,
        "mkdir types/Slab; cd types/Slab; echo 2 > sides; echo write-once > read_write
         echo 'Stone, two sides' > description; cat sides read_write description; cd ../..
         mkdir pools/Quarry; echo Slab > pools/Quarry/media_type; mkdir pools/Quarry/media/one; ls media/one/sides
         echo 1 > types/Slab/sides 2>$T/noise || cut -d ' ' -f 2 last-error; cat types/Slab/sides
         echo two > types/Slab/sides 2>$T/noise || cut -d ' ' -f 2 last-error",
    );
    let expected =
        "2\nwrite-once\nStone, two sides\nA\nB\nERROR_NOT_EMPTY\n2\nERROR_INVALID_PARAMETER\n";
    assert_eq!(ran.output(), expected);
}
