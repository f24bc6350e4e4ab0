//! What of the file system the server may reach, whoever it is (landlock(7)).
//!
//! To be entered while there is one thread: threads that are started later are inside, those that are there already are not.
//! A kernel without it is no reason not to serve; the log says so.

use anyhow::{Context as _, Result};
use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreated, RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
};
use std::path::Path;

/// The rights that are known here; what a newer kernel adds is not asked for, and an older one bounds what it knows.
const KNOWN: ABI = ABI::V5;

/// What is only read: who waits and asks, tape drives by number, and whatever the user database is made of.
const READ: &[&str] = &[
    "/proc",
    "/sys/dev",
    "/sys/devices",
    "/etc",
    "/usr",
    "/lib",
    "/lib64",
    "/run",
    "/var/lib/sss",
];

/// Where drives are; their modes say who may use them.
const DEVICES: &str = "/dev";

/// Leaves this thread, and those that it starts, the surroundings of the catalog, and to read the configuration if one was
/// named. Cannot be undone.
pub(super) fn enter(catalog: &Path, config: Option<&Path>) -> Result<()> {
    let status = rules(catalog, config)
        .and_then(|rules| Ok(rules.restrict_self()?))
        .context("bounding what can be reached")?;
    match status.ruleset {
        RulesetStatus::FullyEnforced => {}
        RulesetStatus::PartiallyEnforced => {
            tracing::info!("this kernel bounds only some of what the server can reach (landlock)");
        }
        RulesetStatus::NotEnforced => {
            tracing::warn!("this kernel does not bound what the server can reach (no landlock)");
        }
    }
    Ok(())
}

fn rules(catalog: &Path, config: Option<&Path>) -> Result<RulesetCreated> {
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    // Nobody puts a program, a device or a socket beside a catalog.
    let files = read
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::MakeSym
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer;
    let devices = read | AccessFs::WriteFile | AccessFs::IoctlDev;
    // Editors replace the file.
    let config = config.and_then(Path::parent);
    let also = READ.iter().map(Path::new).chain(config);
    Ok(Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(KNOWN))?
        .create()?
        .add_rules(path_beneath_rules(catalog.parent(), files))?
        .add_rules(path_beneath_rules([DEVICES], devices))?
        .add_rules(path_beneath_rules(also, read))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    /// On a thread of its own, which is all that it binds.
    #[test]
    fn nothing_but_the_catalog_is_written() {
        let inside = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let catalog = inside.path().join("catalog");
        let etc = tempfile::tempdir().unwrap();
        let config = etc.path().join("config");
        for file in [&catalog, &config, &outside.path().join("secret")] {
            fs::write(file, "x").unwrap();
        }
        let (catalog, at) = (catalog.as_path(), outside.path());
        let enforced = std::thread::scope(|scope| {
            let confined = scope.spawn(move || {
                let rules = rules(catalog, Some(&config)).unwrap();
                let status = rules.restrict_self().unwrap();
                if status.ruleset == RulesetStatus::NotEnforced {
                    return false;
                }
                fs::write(catalog, "y").unwrap();
                fs::write(catalog.with_extension("export"), "y").unwrap();
                fs::read(&config).unwrap();
                fs::read("/proc/self/status").unwrap();
                fs::write("/dev/null", "").unwrap();
                let refused = |done: std::io::Result<()>| {
                    assert_eq!(
                        done.unwrap_err().kind(),
                        std::io::ErrorKind::PermissionDenied
                    );
                };
                refused(fs::write(&config, "y"));
                refused(fs::read(at.join("secret")).map(drop));
                refused(fs::write(at.join("new"), "y"));
                refused(std::process::Command::new("/bin/true").status().map(drop));
                true
            });
            confined.join().unwrap()
        });
        if !enforced {
            // Past the capture of a test's output, so that the suite repeats it at its end.
            let why = "this kernel has no landlock";
            writeln!(
                std::io::stderr(),
                "NOT RUN: bounds of what is reached: {why}"
            )
            .unwrap();
        }
        fs::write(outside.path().join("new"), "other threads are not bound").unwrap();
    }
}
