//! ntmsfs, or mount.ntmsfs if it is called by that name.

use std::process::ExitCode;

fn main() -> ExitCode {
    ntmsfs::cli::run(std::env::args_os().collect())
}
