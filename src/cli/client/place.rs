//! Finding the tree, and the files in it.
//!
//! Invariant: nothing is known here that the files do not say; a refusal is told in the words of the tree.

use super::exit::{Exit, Failed, word};
use crate::cli::mountpoint;
use crate::codes;
use crate::domain::error::ErrorKind;
use crate::domain::name::{self, printable};
use anyhow::{Context as _, Result};
use clap::Args;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The environment variable that names a tree.
const VARIABLE: &str = "NTMSFS_TREE";

/// What the usage says of the option.
const HELP: &str = "The tree, or a directory in it [default: NTMSFS_TREE, or that of the current directory, or the only one]";

/// How to say which tree is meant.
const CHOICES: &str = "name one with --tree DIR or NTMSFS_TREE, or be in it";

/// Which tree is meant.
#[derive(Debug, Clone, Args)]
pub(super) struct Place {
    /// The tree, or a directory in it.
    #[arg(long, value_name = "DIR", help = HELP, value_hint = clap::ValueHint::DirPath)]
    pub(super) tree: Option<PathBuf>,
}

/// A mounted tree.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// What its last-error showed before anything was done here.
    refused_before: String,
}

impl Place {
    /// Finds the tree.
    pub(super) fn find(&self) -> Result<Tree> {
        let variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty());
        if let Some(dir) = &self.tree {
            return named(dir).context("--tree");
        } else if let Some(dir) = variable {
            return named(Path::new(&dir)).context(VARIABLE);
        } else if let Ok(Some(root)) = mountpoint::tree_of(Path::new(".")) {
            return Tree::open(root);
        }
        let trees = mountpoint::trees()?;
        match trees.as_slice() {
            [] => Err(no_tree(format!(
                "no tree is mounted; mount one, or {CHOICES}"
            ))),
            [root] => Tree::open(root.clone()),
            several => {
                let names: Vec<_> = several.iter().map(|root| shown(root)).collect();
                let names = names.join(", ");
                Err(no_tree(format!(
                    "several trees are mounted: {names}; {CHOICES}"
                )))
            }
        }
    }
}

/// A tree by a directory in it; also one that is seen through another file system, by its top.
fn named(dir: &Path) -> Result<Tree> {
    match mountpoint::tree_of(dir) {
        Ok(Some(root)) => Tree::open(root),
        Ok(None) if dir.join("pools").is_dir() => Tree::open(dir.to_owned()),
        Ok(None) => Err(no_tree(format!("{} is in no mounted tree", shown(dir)))),
        Err(error) => Err(no_tree(error.to_string())),
    }
}

fn no_tree(sentence: impl AsRef<str>) -> anyhow::Error {
    Failed::new(Exit::NoTree, sentence).into()
}

fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// Whether an error says that nobody serves the tree any more.
pub(super) fn is_gone(error: &io::Error) -> bool {
    let gone = [
        libc::ENOTCONN,
        libc::ECONNABORTED,
        libc::ESHUTDOWN,
        libc::ESTALE,
        libc::ENODEV,
    ];
    error
        .raw_os_error()
        .is_some_and(|errno| gone.contains(&errno))
}

impl Tree {
    fn open(root: PathBuf) -> Result<Self> {
        let refused_before = match fs::read_to_string(root.join("last-error")) {
            Ok(line) => line,
            Err(error) if is_gone(&error) => {
                return Err(no_tree(format!(
                    "nobody serves the tree at {} any more; mount it again",
                    shown(&root)
                )));
            }
            Err(error) => return Err(no_tree(format!("{} is no tree: {error}", shown(&root)))),
        };
        Ok(Self {
            root,
            refused_before,
        })
    }

    /// The path of a file of the tree.
    pub(super) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root.join(name)
    }

    /// The top of the tree.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Reads a file that is text.
    pub(super) fn read(&self, name: impl AsRef<Path>) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).map_err(|error| self.failed(&path, &error))
    }

    /// Writes a value into a file.
    pub(super) fn write(&self, name: impl AsRef<Path>, value: &str) -> Result<()> {
        let path = self.path(name);
        // The files exist; nothing here makes one by a wrong name.
        let file = fs::OpenOptions::new().write(true).open(&path);
        let line = format!("{value}\n");
        file.and_then(|mut file| io::Write::write_all(&mut file, line.as_bytes()))
            .map_err(|error| self.failed(&path, &error))
    }

    /// Finds the directory of a pool: `Backup/Daily` is `pools/Backup/pools/Daily`, and `.` the top of a tree of one pool.
    pub(super) fn pool(&self, path: &str) -> Result<PathBuf> {
        let mut dir = PathBuf::new();
        for part in path
            .trim_end_matches('/')
            .split('/')
            .filter(|_| path != ".")
        {
            name::check(part.as_bytes()).with_context(|| format!("pool {}", printable(path)))?;
            dir.extend(["pools", part]);
        }
        let dir = self.path(dir);
        match fs::metadata(dir.join("allocate")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Sentences of the tree call it by its path there.
                if let Some(rest) = path.strip_prefix("pools/") {
                    return self.pool(rest);
                }
                let sentence = format!("there is no pool {path} (ENOENT); ntmsfs pools lists them");
                Err(Failed::new(Exit::Refused, sentence).into())
            }
            // Whether he may do what he wants there is said when he does it.
            Ok(_) | Err(_) => Ok(dir),
        }
    }

    /// The names in a directory: numbers by their value, the rest by their bytes.
    pub(super) fn names(&self, dir: &Path) -> Result<Vec<OsString>> {
        let entries = fs::read_dir(dir).and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.file_name()))
                .collect::<io::Result<Vec<_>>>()
        });
        let mut names = entries.map_err(|error| self.failed(dir, &error))?;
        names.sort_by_cached_key(|name| {
            let number = name.to_str().and_then(|name| name.parse::<u64>().ok());
            (number.unwrap_or(u64::MAX), name.clone())
        });
        Ok(names)
    }

    /// Says why something failed: in the sentence of the tree if its last refusal is this one, and by the word of the errno.
    pub(super) fn failed(&self, path: &Path, error: &io::Error) -> anyhow::Error {
        let place = path.strip_prefix(&self.root).unwrap_or(path);
        let place = shown(place);
        let Some(errno) = error.raw_os_error() else {
            return Failed::new(Exit::Refused, format!("{place}: {error}")).into();
        };
        if is_gone(error) {
            return no_tree(format!(
                "the tree at {} is gone ({})",
                shown(&self.root),
                word(errno)
            ));
        }
        if let Some(line) = self.last_refusal(errno) {
            return Failed::of_line(&line).into();
        }
        let why = nix::errno::Errno::from_raw(errno).desc();
        let whose = if errno == libc::EACCES {
            self.whose(path)
        } else {
            String::new()
        };
        let sentence = format!("{place}: {why} ({}){whose}", word(errno));
        Failed::new(Exit::Refused, sentence).into()
    }

    /// Who could do what the kernel refuses at a path, as far as this user can see down to it.
    fn whose(&self, path: &Path) -> String {
        let seen = (path.ancestors()).find_map(|at| Some((at, fs::symlink_metadata(at).ok()?)));
        seen.map_or_else(String::new, |(at, data)| {
            let at = shown(at.strip_prefix(&self.root).unwrap_or(at));
            let (uid, gid, mode) = (data.uid(), data.gid(), data.mode() & 0o777);
            format!("; {at} is of uid {uid} and gid {gid}, with mode {mode:o}")
        })
    }

    /// The last refusal of this user, if it has this errno. What the kernel refuses by itself has no sentence; an old one of
    /// the same errno is not taken for it.
    fn last_refusal(&self, errno: i32) -> Option<String> {
        let line = fs::read_to_string(self.path("last-error")).ok()?;
        let kind = codes::number_in(&line).and_then(codes::kind_of);
        let fits = kind.is_some_and(|kind| {
            kind == ErrorKind::NotSupported || codes::code(kind).errno == errno
        });
        let kernel = [
            libc::EACCES,
            libc::EPERM,
            libc::EEXIST,
            libc::ENOENT,
            libc::EROFS,
        ];
        let is_new = line != self.refused_before || !kernel.contains(&errno);
        (fits && is_new).then_some(line)
    }
}
