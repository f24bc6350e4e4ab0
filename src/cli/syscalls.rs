//! What the server may ask of the kernel, call by call, with the reason.
//!
//! The default is the end of the process: a call that is refused instead could look to the database like a disk that failed.
//! A crash loses nothing that was answered. `NTMSFS_SECCOMP=log` in the environment of whoever mounts lets every call
//! pass and has the kernel log those that are not listed here, to find out what a machine needs that differs.
//!
//! Not listed, on purpose: execve and fork (the processes that need them are started before), mount, ptrace, any change of user or
//! capability, any network but local sockets, reading the memory of others.

use anyhow::{Context as _, Result, anyhow};
use seccompiler::{
    SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};
use std::collections::BTreeMap;

/// In the environment: what becomes of a call that is not listed.
const SWITCH: &str = "NTMSFS_SECCOMP";

/// How a call is bound by its arguments: all, only some flags of it, or only some values of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Any,
    /// The argument of that index has all of these bits.
    Has(u8, u64),
    /// The argument of that index is one of these.
    Is(u8, &'static [u64]),
    /// Answered with ENOSYS: whoever asks then asks in a way that can be bound.
    Never,
}

use Bound::{Any, Has, Is, Never};

const THREAD: u64 = 0x0001_0000;
const LOCAL: &[u64] = &[1];
/// The name of a thread, and that of a piece of memory, which the C library gives for a debugger.
const NAMES: &[u64] = &[15, 0x5356_4d41];

/// Every call that is allowed, and why.
#[rustfmt::skip]
const CALLS: &[(i64, &str, Bound)] = &[
    (libc::SYS_read, "requests of the kernel, files", Any),
    (libc::SYS_write, "files, logs, what wakes the hooks", Any),
    (libc::SYS_readv, "requests of the kernel", Any),
    (libc::SYS_writev, "answers to the kernel, logs", Any),
    (libc::SYS_ioctl, "the device of the kernel; tapes", Any),
    (libc::SYS_openat, "the catalog, /proc of who waits, devices, the configuration", Any),
    (libc::SYS_close, "what was opened", Any),
    (libc::SYS_dup3, "standard output is left", Any),
    (libc::SYS_pread64, "pages of the database", Any),
    (libc::SYS_pwrite64, "pages of the database", Any),
    (libc::SYS_lseek, "the lock file, archives", Any),
    (libc::SYS_fsync, "the database on disk", Any),
    (libc::SYS_fdatasync, "the database on disk", Any),
    (libc::SYS_ftruncate, "the database, the lock file", Any),
    (libc::SYS_fallocate, "the database", Any),
    (libc::SYS_copy_file_range, "copies of the database", Any),
    (libc::SYS_sendfile, "copies of the database where the former does not work", Any),
    (libc::SYS_fcntl, "locks of the database, O_NONBLOCK", Any),
    (libc::SYS_flock, "the lock of the catalog", Any),
    (libc::SYS_fstat, "the database", Any),
    (libc::SYS_newfstatat, "the database", Any),
    (libc::SYS_statx, "files", Any),
    (libc::SYS_statfs, "the file system of the catalog", Any),
    (libc::SYS_fstatfs, "the file system of the catalog", Any),
    (libc::SYS_faccessat, "the database", Any),
    (libc::SYS_faccessat2, "the database", Any),
    (libc::SYS_readlinkat, "links of drives", Any),
    (libc::SYS_getdents64, "what an export has left", Any),
    (libc::SYS_getcwd, "paths of the database", Any),
    (libc::SYS_mkdirat, "drives of a virtual library", Any),
    (libc::SYS_unlinkat, "files of the database, links of drives", Any),
    (libc::SYS_renameat, "links of drives", Any),
    (libc::SYS_renameat2, "links of drives", Any),
    (libc::SYS_symlinkat, "links of drives", Any),
    (libc::SYS_fchmod, "files of the database", Any),
    (libc::SYS_fchmodat, "sides of a virtual library", Any),
    (libc::SYS_fchown, "files of the database, which root gives to their owner", Any),
    (libc::SYS_setxattr, "sides of a virtual library, given to a user", Any),
    (libc::SYS_removexattr, "sides of a virtual library, taken back", Any),
    (libc::SYS_umask, "files of the database", Any),
    (libc::SYS_mmap, "memory, the index of the database's log", Any),
    (libc::SYS_munmap, "memory", Any),
    (libc::SYS_mremap, "memory, the index of the database's log", Any),
    (libc::SYS_mprotect, "memory, stacks of threads", Any),
    (libc::SYS_madvise, "memory, stacks of threads", Any),
    (libc::SYS_brk, "memory", Any),
    (libc::SYS_clone, "threads, and nothing else", Has(0, THREAD)),
    (libc::SYS_clone3, "threads; its flags cannot be seen", Never),
    (libc::SYS_set_robust_list, "threads", Any),
    (libc::SYS_rseq, "threads", Any),
    (libc::SYS_prctl, "names of threads", Is(0, NAMES)),
    (libc::SYS_gettid, "threads", Any),
    (libc::SYS_sched_yield, "threads", Any),
    (libc::SYS_sched_getaffinity, "threads", Any),
    (libc::SYS_futex, "threads", Any),
    (libc::SYS_membarrier, "threads", Any),
    (libc::SYS_exit, "threads", Any),
    (libc::SYS_exit_group, "the end", Any),
    (libc::SYS_rt_sigaction, "signals", Any),
    (libc::SYS_rt_sigprocmask, "signals", Any),
    (libc::SYS_rt_sigreturn, "signals", Any),
    (libc::SYS_sigaltstack, "threads that see their stack overflow", Any),
    (libc::SYS_restart_syscall, "signals", Any),
    (libc::SYS_tgkill, "a panic that ends the process", Any),
    (libc::SYS_kill, "hooks that do not end", Any),
    (libc::SYS_wait4, "the end of the hooks", Any),
    (libc::SYS_waitid, "the end of the hooks", Any),
    (libc::SYS_getpid, "logs, names of files, the database", Any),
    (libc::SYS_geteuid, "the database, trust in files", Any),
    (libc::SYS_clock_nanosleep, "a busy database is tried again", Any),
    (libc::SYS_clock_gettime, "the time, where it is not in memory", Any),
    (libc::SYS_ppoll, "the user database", Any),
    (libc::SYS_getrandom, "identifiers", Any),
    (libc::SYS_prlimit64, "stacks of threads", Any),
    (libc::SYS_socket, "logs, the service manager, the user database", Is(0, LOCAL)),
    (libc::SYS_connect, "logs, the user database", Any),
    (libc::SYS_sendto, "logs, the user database", Any),
    (libc::SYS_sendmsg, "the keeper, the service manager, the user database", Any),
    (libc::SYS_recvfrom, "signals, the user database", Any),
    (libc::SYS_recvmsg, "the keeper, the user database", Any),
    (libc::SYS_getsockopt, "the user database", Any),
];

/// The same by their older names, where there are such.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const OLDER: &[(i64, &str, Bound)] = &[
    (libc::SYS_access, "faccessat", Any),
    (libc::SYS_chmod, "fchmodat", Any),
    (libc::SYS_dup2, "dup3", Any),
    (libc::SYS_mkdir, "mkdirat", Any),
    (libc::SYS_poll, "ppoll", Any),
    (libc::SYS_readlink, "readlinkat", Any),
    (libc::SYS_rename, "renameat", Any),
    (libc::SYS_symlink, "symlinkat", Any),
    (libc::SYS_unlink, "unlinkat", Any),
];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: &[(i64, &str, Bound)] = &[];

/// Confines all threads of this process, now and later. Cannot be undone.
pub(super) fn confine() -> Result<()> {
    let unlisted = match std::env::var(SWITCH).as_deref() {
        Ok("log") => SeccompAction::Log,
        Ok("") | Err(_) => SeccompAction::KillProcess,
        Ok(other) => {
            return Err(anyhow!("{SWITCH}={other}: only log is known"));
        }
    };
    let architecture = std::env::consts::ARCH;
    let Ok(architecture) = TargetArch::try_from(architecture) else {
        tracing::warn!(
            architecture,
            "calls of the kernel are not bounded on this machine"
        );
        return Ok(());
    };
    for filter in filters(unlisted, architecture)? {
        let program: seccompiler::BpfProgram = filter.try_into().context("bounding calls")?;
        apply_filter_all_threads(&program).context("bounding calls of the kernel")?;
    }
    Ok(())
}

/// Two filters, of whose answers the harder one counts.
fn filters(unlisted: SeccompAction, architecture: TargetArch) -> Result<[SeccompFilter; 2]> {
    let (mut listed, mut never) = (BTreeMap::new(), BTreeMap::new());
    for (call, _, bound) in CALLS.iter().chain(OLDER) {
        if *bound == Never {
            never.insert(*call, Vec::new());
        }
        listed.insert(*call, rules(*bound)?);
    }
    let enosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    Ok([
        SeccompFilter::new(never, SeccompAction::Allow, enosys, architecture)?,
        SeccompFilter::new(listed, unlisted, SeccompAction::Allow, architecture)?,
    ])
}

/// The arguments of a call that pass; none: all.
fn rules(bound: Bound) -> Result<Vec<SeccompRule>> {
    let rule = |index, operator, value| -> Result<SeccompRule> {
        let condition = SeccompCondition::new(index, SeccompCmpArgLen::Dword, operator, value)?;
        Ok(SeccompRule::new(vec![condition])?)
    };
    match bound {
        Any | Never => Ok(Vec::new()),
        Has(index, bits) => Ok(vec![rule(index, SeccompCmpOp::MaskedEq(bits), bits)?]),
        Is(index, values) => {
            let each = values
                .iter()
                .map(|value| rule(index, SeccompCmpOp::Eq, *value));
            each.collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::net::TcpListener;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, exit};

    /// In the environment: this process confines itself and does what is named.
    const DOES: &str = "NTMSFS_TEST_CONFINED";

    /// What is tried, and the signal that ends it.
    type Attempt = (&'static str, fn(), Option<i32>);

    /// In processes of their own, each the same test again.
    #[test]
    fn a_call_that_is_not_listed_ends_the_process() {
        let attempts: [Attempt; 5] = [
            (
                "what is listed",
                || drop(std::fs::read("/proc/self/status")),
                None,
            ),
            (
                "network",
                || drop(TcpListener::bind("127.0.0.1:0")),
                Some(libc::SIGSYS),
            ),
            (
                "program",
                || drop(Command::new("/bin/true").status()),
                Some(libc::SIGSYS),
            ),
            (
                "user",
                || nix::unistd::setuid(nix::unistd::getuid()).unwrap(),
                Some(libc::SIGSYS),
            ),
            (
                "root",
                || nix::unistd::chroot("/").unwrap(),
                Some(libc::SIGSYS),
            ),
        ];
        if let Ok(wanted) = env::var(DOES) {
            let (_, attempt, _) = attempts.iter().find(|(name, ..)| *name == wanted).unwrap();
            confine().unwrap();
            attempt();
            exit(77);
        }
        let test = "cli::syscalls::tests::a_call_that_is_not_listed_ends_the_process";
        for (name, _, signal) in attempts {
            let mut again = Command::new(env::current_exe().unwrap());
            again
                .args(["--exact", test])
                .env(DOES, name)
                .env_remove(SWITCH);
            let ended = again.output().unwrap().status;
            let code = signal.is_none().then_some(77);
            assert_eq!((ended.code(), ended.signal()), (code, signal), "{name}");
        }
    }

    #[test]
    fn each_call_is_listed_once_with_its_reason() {
        let all: Vec<_> = CALLS.iter().chain(OLDER).collect();
        let numbers: std::collections::BTreeSet<_> = all.iter().map(|it| it.0).collect();
        assert_eq!(numbers.len(), all.len());
        assert!(CALLS.len() <= 81, "{}", CALLS.len());
        assert!(all.iter().all(|it| !it.1.is_empty()));
        for forbidden in [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_setresuid,
            libc::SYS_capset,
            libc::SYS_process_vm_readv,
            libc::SYS_bpf,
            libc::SYS_io_uring_setup,
        ] {
            assert!(!numbers.contains(&forbidden), "{forbidden}");
        }
    }

    #[test]
    fn the_table_makes_filters() {
        let architecture = TargetArch::try_from(env::consts::ARCH).unwrap();
        for filter in filters(SeccompAction::KillProcess, architecture).unwrap() {
            let program: seccompiler::BpfProgram = filter.try_into().unwrap();
            assert!(program.len() > 3);
        }
    }
}
