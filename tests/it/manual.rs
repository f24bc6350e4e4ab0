//! The manual says what the code says: three sections of ntmsfs(7) are generated, and the other pages name every verb,
//! option and word. `NTMSFS_BLESS=1 cargo test` renews the generated sections.

use clap::CommandFactory as _;
use ntmsfs::cli::{Arguments, mountoptions};
use ntmsfs::codes;
use std::fs;
use std::path::{Path, PathBuf};

fn path(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(page)
}

fn read(page: &str) -> String {
    fs::read_to_string(path(page)).expect(page)
}

/// Text as roff shows it literally.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', r"\e").replace('-', r"\-");
    if text.starts_with(['.', '\'']) {
        [r"\&", text.as_str()].concat()
    } else {
        text
    }
}

fn files() -> String {
    let rows = ntmsfs::fs::manual_files();
    let entries = rows.lines().map(|line| {
        let (path, rest) = line.split_once('\t').expect("a path and more");
        let (mode, doc) = rest.split_once('\t').expect("a mode and a sentence");
        let path = if path == "/" { "." } else { path };
        let (path, mode, doc) = (escaped(path), escaped(mode), escaped(doc));
        format!(".TP\n.I {path}\n({mode})\n{doc}\n")
    });
    entries.collect()
}

fn errors() -> String {
    let entries = codes::ALL.into_iter().map(|kind| {
        let code = codes::code(kind);
        let errno = nix::errno::Errno::from_raw(code.errno);
        let (name, number, meaning) = (code.name, code.hresult(), escaped(code.meaning));
        format!(".TP\n.B {name}\n(0x{number:08X}, {errno:?})\n{meaning}\n")
    });
    entries.collect()
}

/// Every error with what it means and what to do.
fn remedies() -> String {
    let entries = codes::ALL.into_iter().map(|kind| {
        let code = codes::code(kind);
        let errno = nix::errno::Errno::from_raw(code.errno);
        let (name, number, meaning) = (code.name, code.hresult(), escaped(code.meaning));
        let remedy = escaped(codes::remedy(kind)).replace(". ", ".\n");
        format!(".SS {name}\n0x{number:08X}, {errno:?}.\n{meaning}\n.PP\n{remedy}\n")
    });
    entries.collect()
}

/// Puts text between a mark and the next end.
fn replaced(page: &str, mark: &str, text: &str) -> String {
    let mark = format!(".\\\" generated: {mark}\n");
    let end = ".\\\" end\n";
    let (before, rest) = page.split_once(&mark).expect("the mark of the section");
    let (_, after) = rest.split_once(end).expect("the end of the section");
    [before, &mark, text, end, after].concat()
}

#[test]
fn generated_sections_are_up_to_date() {
    let page = read("ntmsfs.7");
    let wanted = replaced(&replaced(&page, "files", &files()), "errors", &errors());
    let wanted = replaced(&wanted, "methods", &crate::methods::section(escaped));
    up_to_date("ntmsfs.7", &page, &wanted);
    let page = read("ntmsfs-troubleshooting.7");
    let wanted = replaced(&page, "remedies", &remedies());
    up_to_date("ntmsfs-troubleshooting.7", &page, &wanted);
}

fn up_to_date(name: &str, page: &str, wanted: &str) {
    if page == wanted {
        return;
    }
    if std::env::var_os("NTMSFS_BLESS").is_some() {
        fs::write(path(name), wanted).expect("the page is written");
        return;
    }
    let only = |of: &str, other: &str, sign: char| {
        let other: Vec<&str> = other.lines().collect();
        let lines = of.lines().filter(|line| !other.contains(line));
        let lines: Vec<String> = lines.map(|line| format!("{sign} {line}")).collect();
        lines.join("\n")
    };
    panic!(
        "man/{name} differs from the source; NTMSFS_BLESS=1 cargo test renews it\n{}\n{}",
        only(page, wanted, '-'),
        only(wanted, page, '+')
    );
}

/// Whether a page has a word in bold at the beginning of a macro's text, as a request or option is shown.
fn names(page: &str, word: &str) -> bool {
    let word = word.replace('-', r"\-");
    page.lines()
        .filter(|line| line.starts_with(".B"))
        .any(|line| {
            let mut words = line.split([' ', '"', ',', '[', ']']).skip(1);
            words.any(|shown| shown.trim_matches(['.', ')', '(']) == word)
        })
}

#[test]
fn the_page_of_the_program_names_every_verb_and_option() {
    let page = read("ntmsfs.8");
    let mut program = Arguments::command();
    program.build();
    for verb in program.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        assert!(names(&page, verb.get_name()), "verb {}", verb.get_name());
    }
    let all = program.get_subcommands().chain([&program]);
    for option in all.flat_map(|verb| verb.get_opts().chain(verb.get_arguments())) {
        if option.is_hide_set() || option.is_positional() {
            continue;
        }
        let short = option.get_short().map(|letter| format!("-{letter}"));
        let long = option.get_long().map(|word| format!("--{word}"));
        for word in short.into_iter().chain(long) {
            assert!(names(&page, &word), "option {word}");
        }
    }
}

#[test]
fn the_page_of_the_helper_names_every_word() {
    let page = read("mount.ntmsfs.8");
    for word in mountoptions::words() {
        assert!(names(&page, word), "word {word}");
    }
}

#[test]
fn the_pages_name_every_word_of_a_line() {
    let page = read("ntmsfs.7");
    let lines = [
        "new next error-if-unavailable options= timeout= side= partition= media= lmid= allocate-information name= description=",
        "barcode= slot= sides=",
        "virtual type= slots= drives= ports= cartridges= label= barcodes= load_time= move_time=",
        "least-used oldest name fill",
        "message new-media move-media cleaner device-service pool= library= medium= drive= slot= port= text=",
        "submitted active in-progress complete refused",
    ];
    for word in lines.into_iter().flat_map(|line| line.split(' ')) {
        assert!(page.contains(&word.replace('-', r"\-")), "word {word}");
    }
}
