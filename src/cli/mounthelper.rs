//! mount.ntmsfs: what mount(8) calls, in all its forms.
//!
//! mount(8) of util-linux calls `mount.ntmsfs SOURCE DIR [-sfnv] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]`, and for the types
//! `fuse` and `fuse.ntmsfs` mount.fuse3(8), which calls `ntmsfs SOURCE DIR -o OPTIONS`. umount(8) needs no helper.

use super::failure::{Failure, Status};
use super::{mount::Mount, mountoptions};
use anyhow::Result;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The name by which mount(8) looks for it.
const NAME: &str = "mount.ntmsfs";

/// Whether these arguments, the name of the program first, are those of a mount helper. A source has a slash, which no verb
/// has.
pub(super) fn is_meant(arguments: &[OsString]) -> bool {
    let name = arguments.first().map(Path::new);
    let source = arguments.get(1).map(|word| word.as_encoded_bytes());
    name.and_then(Path::file_name) == Some(OsStr::new(NAME))
        || source.is_some_and(|word| word.contains(&b'/') && !word.starts_with(b"-"))
}

/// Mounts, and says by the exit status what became of it.
pub(super) fn run(arguments: &[OsString]) -> ExitCode {
    let done = Called::parse(arguments).and_then(|called| {
        if called.fake {
            called.mount.check()
        } else {
            called.mount.perform()
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::complain(NAME, &error, Status::of(&error).code()),
    }
}

/// What it was called with.
struct Called {
    mount: Mount,
    /// Do everything but mount.
    fake: bool,
}

fn usage(sentence: impl Into<String>) -> Failure {
    Failure::new(Status::Usage, sentence)
}

impl Called {
    fn parse(arguments: &[OsString]) -> Result<Self> {
        let (mut places, mut options, mut fake, mut sloppy) =
            (Vec::new(), Vec::new(), false, false);
        let mut rest = arguments.iter().skip(1);
        while let Some(argument) = rest.next() {
            let text = argument.to_str().unwrap_or_default();
            match text {
                "-o" | "-t" | "-N" => {
                    let value = rest.next().and_then(|value| value.to_str());
                    let value = value.ok_or_else(|| usage(format!("{text} needs a value")))?;
                    if text == "-o" {
                        options.push(value);
                    }
                }
                "--" => places.extend(rest.by_ref().map(PathBuf::from)),
                _ if text.starts_with('-') && text.len() > 1 => {
                    for flag in text.chars().skip(1) {
                        match flag {
                            'f' => fake = true,
                            's' => sloppy = true,
                            'n' | 'v' => {}
                            _ => return Err(usage(format!("unknown option -{flag}")).into()),
                        }
                    }
                }
                _ => places.push(PathBuf::from(argument)),
            }
        }
        let [catalog, dir] = <[PathBuf; 2]>::try_from(places)
            .map_err(|_| usage("usage: mount.ntmsfs CATALOG DIR [-sfnv] [-o OPTIONS]"))?;
        let options = mountoptions::parse(options, sloppy)?;
        let mount = Mount {
            catalog,
            dir,
            options,
        };
        Ok(Self { mount, fake })
    }
}
