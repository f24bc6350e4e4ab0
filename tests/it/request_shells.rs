//! What shells and Python do with requests: each form in which they write, and what they read back.

use crate::harness::{ROOT, SHELLS, Shell, Tree, User, is_guid, same, until};
use std::fs;

const NO_NEWLINE: &str =
    "0x80070057 ERROR_INVALID_PARAMETER no newline at the end; nothing was carried out\n";

#[test]
fn a_transaction_gives_an_lmid() {
    let tree = Tree::stocked(8);
    let scripts = [
        (
            Shell::Bash,
            "exec 3<>pools/Backup/allocate; echo timeout=5s >&3; read -r l <&3; echo $l",
        ),
        (
            Shell::Dash,
            "exec 3<>pools/Backup/allocate; echo timeout=5s >&3; read -r l <&3; echo $l",
        ),
        (
            Shell::Bash,
            "exec 3<>pools/Backup/allocate; echo >&3; cat <&3",
        ),
        (
            Shell::Dash,
            "exec 3<>pools/Backup/allocate; echo >&3; head -n 1 <&3",
        ),
        (
            Shell::Python,
            "f=open('pools/Backup/allocate','r+'); print('timeout=5s',file=f,flush=True); print(f.readline().strip())",
        ),
        (
            Shell::Python,
            "import os;d=os.open('pools/Backup/allocate',os.O_RDWR);os.write(d,b'time');os.write(d,b'out=5s');os.write(d,b'\\n');print(os.read(d,99).decode(),end='')",
        ),
        (
            Shell::Python,
            "f=open('pools/Backup/allocate','r+b',0); f.write(b'\\n'); f.seek(0); print(f.read().decode(),end='')",
        ),
    ];
    let mut seen = Vec::new();
    for (shell, script) in scripts {
        let ran = tree.run(shell, script);
        let lmid = ran.output().trim_end().to_owned();
        assert!(is_guid(&lmid), "{shell:?} {script}: {ran:?}");
        assert_eq!(
            tree.read(&format!("logical/{lmid}/id")),
            format!("{lmid}\n")
        );
        assert!(!seen.contains(&lmid), "{lmid} was given twice");
        seen.push(lmid);
    }
    assert_eq!(tree.names("logical").len(), seen.len());
}

#[test]
fn one_descriptor_takes_one_request_after_the_other() {
    let tree = Tree::stocked(6);
    for shell in SHELLS {
        let ran = tree.run(
            shell,
            "exec 3<>pools/Backup/allocate
             echo timeout=5s >&3; read -r a <&3
             echo timeout=5s allocate-information >&3; read -r b <&3; read -r c d <&3
             echo '{\"timeout\": 0}' >&3; read -r e <&3
             echo $a; echo $b; echo $c; echo $e",
        );
        let lines = ran.output().lines().collect::<Vec<_>>();
        assert!(is_guid(lines[0]) && is_guid(lines[1]), "{ran:?}");
        same(shell, lines[2], "allocated-from");
        assert!(lines[3].starts_with("{\"lmid\":\""), "{ran:?}");
    }
    assert_eq!(tree.names("logical").len(), 6);
}

#[test]
fn what_is_not_read_is_not_taken() {
    let tree = Tree::stocked(1);
    for shell in SHELLS {
        tree.run(shell, "exec 3<>pools/Backup/allocate; echo timeout=5s >&3")
            .output();
        tree.run(shell, "cat pools/Backup/allocate").output();
        let ran = tree.run(shell, "echo timeout=5s > pools/Backup/allocate");
        assert_ne!(ran.status, Some(0), "nobody could read the result");
        assert!(tree.names("logical").is_empty());
    }
}

#[test]
fn named_requests_in_every_form_of_writing() {
    let tree = Tree::stocked(24);
    let forms = [
        "echo > pools/Backup/requests/$N",
        "echo timeout=60s > pools/Backup/requests/$N",
        "printf 'timeout=5s\\n' > pools/Backup/requests/$N",
        "printf 'timeout=5s new \\n' | cat > pools/Backup/requests/$N",
        "cat > pools/Backup/requests/$N <<E\ntimeout=5s\nE",
        "echo 'name=\"my tape\" timeout=5s' | dd of=pools/Backup/requests/$N bs=4096 2>$T/noise",
        "printf '{\\n \"timeout\": \"60s\",\\n \"name\": \"a {b\"\\n}\\n' > pools/Backup/requests/$N",
        "echo timeout=5s > $T/job; cp $T/job pools/Backup/requests/$N",
        "echo timeout=5s | tee pools/Backup/requests/$N > $T/noise",
    ];
    for (shell, prefix) in SHELLS.into_iter().zip(["b", "d"]) {
        for (number, form) in forms.iter().enumerate() {
            let name = format!("{prefix}{number}");
            let script = format!("N={name}\n{form}\ncat pools/Backup/results/$N");
            let ran = tree.run(shell, &script);
            let result = ran.output().trim_end();
            let lmid = result
                .trim_start_matches("{\"lmid\":\"")
                .trim_end_matches("\"}");
            assert!(is_guid(lmid), "{script}: {ran:?}");
            assert!(tree.names("logical").contains(&lmid.to_owned()));
        }
    }
    let ran = tree.run(
        Shell::Bash,
        "echo -e 'timeout=5s\\tnew' > pools/Backup/requests/e; cat pools/Backup/results/e",
    );
    assert!(is_guid(ran.output().trim_end()), "{ran:?}");
    let shown = tree.read("pools/Backup/requests/e");
    assert!(
        shown.contains("timeout=5s") && shown.contains("new"),
        "{shown}"
    );
    assert_eq!(tree.names("logical").len(), 2 * forms.len() + 1);
}

#[test]
fn python_writes_named_requests() {
    let tree = Tree::stocked(4);
    let ran = tree.run(
        Shell::Python,
        "
import json, os
with open('pools/Backup/requests/p', 'x') as f: print('timeout=5s', file=f)
print(open('pools/Backup/results/p').read(), end='')
with open('pools/Backup/requests/q', 'wb', 0) as f:
    f.write(b'{'); f.write(b'\"timeout\":5000,\"allocate_information\":true'); f.write(b'}')
print(json.load(open('pools/Backup/results/q'))['allocated_from']['pool'])
try: open('pools/Backup/requests/p', 'x')
except FileExistsError: print('exists')
try:
    with open('pools/Backup/requests/r', 'w') as f: f.write('bogus\\n')
except OSError as e: print(e.strerror, '-', open('last-error').read(), end='')
print(sorted(os.listdir('pools/Backup/requests')))
",
    );
    let lines = ran.output().lines().collect::<Vec<_>>();
    assert!(is_guid(lines[0]), "{ran:?}");
    assert_eq!(&lines[1..3], ["Free/LTO-8", "exists"]);
    assert!(
        lines[3].starts_with("Invalid argument - 0x80070057 ERROR_INVALID_PARAMETER "),
        "{ran:?}"
    );
    assert_eq!(lines[4], "['p', 'q']");
}

#[test]
fn without_a_newline_nothing_is_carried_out() {
    let tree = Tree::stocked(2);
    let writers = [
        (Shell::Bash, "echo -n timeout=5s > pools/Backup/requests/$N"),
        (
            Shell::Bash,
            "printf 'timeout=5s' > pools/Backup/requests/$N",
        ),
        (
            Shell::Dash,
            "printf 'timeout=5s' > pools/Backup/requests/$N",
        ),
        (
            Shell::Dash,
            "printf '{\"timeout\":\"5s\"' > pools/Backup/requests/$N",
        ),
    ];
    for (number, (shell, form)) in writers.into_iter().enumerate() {
        let ran = tree.run(
            shell,
            &format!("N=n{number}; {form}; cat pools/Backup/results/$N"),
        );
        same(form, ran.output(), NO_NEWLINE);
    }
    assert!(tree.names("logical").is_empty());
    // Whoever reads too early is told so, and may still end the line.
    let early = "exec 3<>pools/Backup/allocate; printf 'timeout=5s' >&3; read -r line <&3; echo \"$line\"; \
                 read -r line <&3 || echo end; echo >&3; read -r lmid <&3; echo ${#lmid}";
    let told = tree.run(Shell::Bash, early);
    same(early, told.output(), &format!("{NO_NEWLINE}end\n36\n"));
    assert!(tree.names("logical").len() == 1);
    let names = ["n0", "n1", "n2", "n3"].map(str::to_owned);
    assert_eq!(tree.names("pools/Backup/results"), names);
}

#[test]
fn touch_leaves_nothing() {
    let tree = Tree::stocked(1);
    for shell in SHELLS {
        tree.run(
            shell,
            "touch pools/Backup/requests/t; : > pools/Backup/requests/u",
        )
        .output();
        until("both names are free again", || {
            tree.names("pools/Backup/requests").is_empty().then_some(())
        });
        for name in ["t", "u"] {
            let ran = tree.run(shell, &format!("cat pools/Backup/results/{name}"));
            assert!(ran.stderr.contains("No such file"), "{ran:?}");
        }
    }
    let ran = tree.run(
        Shell::Dash,
        "echo timeout=5s > pools/Backup/requests/t; cat pools/Backup/results/t",
    );
    assert!(is_guid(ran.output().trim_end()), "{ran:?}");
}

#[test]
fn a_name_that_exists_is_never_written_again() {
    let tree = Tree::stocked(3);
    tree.run(Shell::Bash, "echo timeout=5s > pools/Backup/requests/j")
        .output();
    let result = tree.read("pools/Backup/results/j");
    let history = tree.read("history");
    let again = [
        "echo new > pools/Backup/requests/j",
        "echo new >> pools/Backup/requests/j",
        ": > pools/Backup/requests/j",
        "echo new | tee pools/Backup/requests/j > $T/noise",
        "echo new | tee -a pools/Backup/requests/j > $T/noise",
        "echo new > $T/x; cp $T/x pools/Backup/requests/j",
        "touch pools/Backup/requests/j",
        "touch -c pools/Backup/requests/j",
        "exec 3<>pools/Backup/requests/j",
        "echo new | dd of=pools/Backup/requests/j conv=notrunc 2>$T/noise",
    ];
    for shell in SHELLS {
        for script in again {
            let ran = tree.run(shell, script);
            assert_ne!(ran.status, Some(0), "{shell:?} {script}");
        }
        let ran = tree.run(shell, "echo x > pools/Backup/requests/j");
        assert!(
            ran.stderr.contains("File exists") || ran.stderr.contains("cannot create"),
            "{ran:?}"
        );
        assert!(
            tree.read("last-error")
                .starts_with("0x800700B7 ERROR_ALREADY_EXISTS ")
        );
    }
    assert_eq!(tree.read("pools/Backup/requests/j"), "timeout=5s\n");
    assert_eq!(tree.read("pools/Backup/results/j"), result);
    assert_eq!(tree.read("history"), history, "nothing was recorded");
}

#[test]
fn a_refusal_is_read_on_the_same_descriptor_and_by_its_user_alone() {
    let tree = Tree::stocked(1);
    let line = "0x80070057 ERROR_INVALID_PARAMETER";
    tree.run(Shell::Bash, "chmod a+w pools/Backup/allocate")
        .output();
    for shell in SHELLS {
        let ran = tree.run(
            shell,
            "exec 3<>pools/Backup/allocate; echo bogus >&3 2>$T/noise || cat <&3; cat last-error",
        );
        let lines = ran.output().lines().collect::<Vec<_>>();
        same(&ran, lines.len(), 2);
        same(&ran, lines[0], lines[1]);
        assert!(
            lines[0].starts_with(line) && lines[0].contains("bogus"),
            "{ran:?}"
        );
    }
    let other = User {
        uid: 4001,
        gid: 4001,
        groups: "",
    };
    same(
        "nobody else's",
        tree.run_as(other, Shell::Dash, "cat last-error").output(),
        "",
    );
    tree.run_as(other, Shell::Dash, "mkdir libraries/mine; mkdir pools/mine");
    let refused = tree.run_as(
        other,
        Shell::Dash,
        "rmdir logical/x; chmod 777 README; cat last-error",
    );
    assert!(!refused.stdout.contains("bogus"), "{refused:?}");
    let own = tree.run_as(ROOT, Shell::Dash, "cat last-error");
    assert!(own.output().contains("bogus"), "{own:?}");
}

#[test]
fn a_request_can_follow_a_refused_one() {
    let tree = Tree::stocked(2);
    for shell in SHELLS {
        let ran = tree.run(
            shell,
            "exec 3<>pools/Backup/allocate; echo bogus >&3 2>$T/noise; read -r no <&3; echo $no
             echo timeout=5s >&3; read -r l <&3; echo $l",
        );
        let lines = ran.output().lines().collect::<Vec<_>>();
        assert!(lines[0].starts_with("0x80070057 "), "{ran:?}");
        assert!(is_guid(lines[1]), "{ran:?}");
    }
}

#[test]
fn a_refused_named_request_leaves_its_name_free() {
    let tree = Tree::stocked(2);
    for (shell, name) in SHELLS.into_iter().zip(["b", "d"]) {
        let ran = tree.run(
            shell,
            &format!(
                "echo bogus > pools/Backup/requests/{name} || cat last-error
                 ls pools/Backup/requests
                 echo timeout=5s > pools/Backup/requests/{name}; cat pools/Backup/results/{name}"
            ),
        );
        let lines = ran.lines();
        assert!(
            lines[0].starts_with("0x80070057 ERROR_INVALID_PARAMETER "),
            "{ran:?}"
        );
        let lmid = lines.last().expect("a result");
        assert!(is_guid(lmid), "{ran:?}");
    }
}

#[test]
fn attributes_take_effect_in_the_write() {
    let tree = Tree::stocked(1);
    for (shell, text) in SHELLS.into_iter().zip(["one", "two"]) {
        let ran = tree.run(
            shell,
            &format!(
                "printf {text} > pools/Backup/description; cat pools/Backup/description
                 exec 3<>pools/Backup/selection; echo worst >&3 2>$T/noise || cat <&3
                 exec 4<>pools/Backup/selection; cat <&4; echo fill >&4; exec 4>&-; cat pools/Backup/selection
                 echo least-used > pools/Backup/selection"
            ),
        );
        let lines = ran.output().lines().collect::<Vec<_>>();
        same(&ran, lines[0], text);
        assert!(
            lines[1].starts_with("0x80070057 ERROR_INVALID_PARAMETER "),
            "{ran:?}"
        );
        same(&ran, &lines[2..], &["least-used", "fill"]);
    }
}

#[test]
fn what_cannot_be_written_says_why() {
    let tree = Tree::stocked(1);
    for shell in SHELLS {
        for file in [
            "README",
            "pools/Backup/type",
            "pools/Backup/counts",
            "history",
            "types/LTO-8/info.json",
        ] {
            fs::write(tree.path("pools/Backup/selection"), "bogus").expect_err("it is refused");
            let ran = tree.run(shell, &format!("echo x > {file} || cat last-error"));
            assert!(
                ran.stdout.starts_with("0x80070032 ERROR_NOT_SUPPORTED "),
                "{file}: {ran:?}"
            );
        }
    }
}
