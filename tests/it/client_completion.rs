//! Completion in real shells: what the Tab key puts on the line, names of the live tree among it.

use crate::harness::Tree;
use crate::harness::terminal::Terminal;
use std::fs;
use std::os::unix::fs::symlink;

/// A shell in a tree, which finds the program.
fn shell(tree: &Tree, start: &str) -> Terminal {
    let bin = tree.scratch("bin");
    symlink(tree.places().0, bin.join("ntmsfs")).ok();
    let home = tree.scratch("home");
    let command = format!(
        "mkdir -m 700 {home}/run; cd {} && export HOME={home} XDG_RUNTIME_DIR={home}/run PATH={}:$PATH PS1='ready> ' && exec {start}",
        tree.places().2,
        bin.display(),
        home = home.display()
    );
    Terminal::new((100, 30), &command)
}

/// Words and what they become.
fn completes(terminal: &Terminal, begun: &str, whole: &str) {
    terminal.keys(&["C-u", "C-l"]);
    terminal.until("an empty line", |screen| !screen.contains("ntmsfs "));
    terminal.keys(&["-l", begun]);
    terminal.until("it is typed", |screen| screen.contains(begun));
    terminal.keys(&["Tab"]);
    terminal.until(&format!("{begun} becomes {whole}"), |screen| {
        screen.contains(whole)
    });
}

/// A tree, with a logical medium and a request to a person that is open, each beside others.
fn stocked() -> (Tree, [String; 2]) {
    let tree = Tree::stocked(2);
    fs::create_dir(tree.path("pools/Group")).unwrap();
    fs::create_dir(tree.path("pools/Group/pools/Inner")).unwrap();
    // Nobody's command line shall run what somebody has named.
    fs::create_dir(tree.path("pools/Trap$(touch owned)")).unwrap();
    tree.pool("Empty", "LTO-8");
    tree.write("pools/Empty/allocate_from_free", "0");
    for name in ["one", "two"] {
        tree.write(&format!("pools/Empty/requests/{name}"), "timeout=9h");
    }
    let mut numbers = tree.names("operator");
    let open = numbers.pop().expect("two requests");
    for number in numbers {
        assert_eq!(number.get(..1), open.get(..1), "what is typed is of both");
        tree.write(&format!("operator/{number}/state"), "refused");
    }
    let lmid = tree.allocate("Backup", "");
    (tree, [lmid, open])
}

/// What every shell completes.
fn all(terminal: &Terminal, [lmid, open]: &[String; 2]) {
    completes(terminal, "ntmsfs compl", "ntmsfs completions");
    completes(terminal, "ntmsfs why Bac", "ntmsfs why Backup");
    completes(terminal, "ntmsfs why Group/In", "ntmsfs why Group/Inner");
    completes(
        terminal,
        &format!("ntmsfs release {}", lmid.split('-').next().unwrap()),
        &format!("ntmsfs release {lmid}"),
    );
    completes(
        terminal,
        &format!("ntmsfs operator done {}", open.get(..1).unwrap()),
        &format!("ntmsfs operator done {open}"),
    );
    completes(
        terminal,
        "ntmsfs allocate Backup error",
        "ntmsfs allocate Backup error-if-unavailable",
    );
}

#[test]
fn bash_completes_verbs_and_names() {
    let (tree, named) = stocked();
    let rc = tree.scratch("rc").join("bashrc");
    fs::write(
        &rc,
        "PS1='ready> '\nsource <(ntmsfs completions bash)\necho loaded\n",
    )
    .unwrap();
    let terminal = shell(&tree, &format!("bash --rcfile {} -i", rc.display()));
    terminal.until("bash is there", |screen| screen.contains("loaded"));
    all(&terminal, &named);
    terminal.keys(&["C-u", "C-l"]);
    terminal.keys(&["-l", "ntmsfs why Tr"]);
    terminal.keys(&["Tab", "Tab", "Enter"]);
    terminal.until("it was not completed", |screen| {
        screen.contains("no pool Tr ")
    });
}

#[test]
fn zsh_completes_verbs_and_names() {
    let (tree, named) = stocked();
    let terminal = shell(&tree, "zsh -f -i");
    terminal.keys(&[
        "-l",
        "autoload -U compinit; compinit -u; source <(ntmsfs completions zsh); echo load''ed",
    ]);
    terminal.keys(&["Enter"]);
    terminal.until("zsh is there", |screen| screen.contains("loaded"));
    all(&terminal, &named);
}

#[test]
fn fish_completes_verbs_and_names() {
    let (tree, named) = stocked();
    let terminal = shell(&tree, "fish --no-config -i");
    terminal.keys(&["-l", "ntmsfs completions fish | source; echo load''ed"]);
    terminal.keys(&["Enter"]);
    terminal.until("fish is there", |screen| screen.contains("loaded\n"));
    all(&terminal, &named);
}
