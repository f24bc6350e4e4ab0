//! The integration tests: one binary, one module for each subject. This page says which file tests what.
//!
//! A test is at one of three heights: rules as tables on a core without a mount ([`harness::world`], [`harness::played`]); files of
//! a real mount ([`harness::Tree`]); a daemon as a process, or a whole machine ([`harness::daemon`], [`harness::private`]).

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test may end itself and say why; the settings let off only the functions marked as tests"
)]

mod harness; // what tests share: trees, daemons, private machines, terminals, catalogs with a clock that stands

// Allocations, and requests that wait.
mod allocation_effects; // which side is taken, what that changes, what giving it back undoes (tables)
mod allocation_refusals; // every failing case through the mount: errno of the write, line of the result
mod allocation_rules; // every return code, the order of the checks, the sentence of a shortage (tables)
mod many_clients; // many at once: nobody gets what another has, commits are shared, events tell each once
mod request_shells; // what bash, dash and Python write and read back; what is never written again
mod reuse_delay; // `reuse_delay`: sides that rest after they were given back
mod waiting_readers; // reads that wait: signals, poll, O_NONBLOCK, threads, the end of the daemon
mod waiting_requests; // who is tried when, what ends a wait, what a restart leaves (tables)
mod want_available; // `want_available`: a pool that keeps so many sides available

// Media, pools, libraries and their files.
mod attributes; // user.* attributes, and `history` of a medium
mod by_directories; // by-state, by-owner, by-location; times and sizes for find, ls -t, du, df
mod labels; // the label that an owner has said is compared at each mount
mod libraries; // what an inventory means, and what becomes of media whose library goes
mod media; // new records, swaps, labels: what each refuses (tables)
mod media_files; // media, sides, logical media and policies as files
mod media_types; // types of media: which one a medium is of, what can be changed
mod medium_names; // what a medium is called of which nobody has said it
mod mkdir_rmdir_mv; // mkdir, rmdir, mv, rm and import in the tree; names; a remount
mod pools; // moves, making and removing, bulk import (tables)
mod state_machines; // every cell of the states of sides and of requests to people
mod system_pools; // the leaves of Free, Import and Unrecognized come and go with the use of a type

// Mounting media, and requests to people.
mod drives; // drives that are files, tar on them, clients that wait, a daemon that is killed
mod hooks; // programs that run on new and ageing requests to people
mod library_queue; // which request is served when, what is refused, what a person is asked (tables)
mod library_recovery; // what follows an error of a library
mod operator_requests; // requests to people: who may ask and answer, their life, `ask`, `settings/`, `status`
mod operator_timeouts; // those that nobody answers in time
mod several_media; // one request for several media: all or none

// Who may do what.
mod access_lists; // setfacl and getfacl
mod limits; // what one user may have at once; the configuration
mod matrix; // every operation by every kind of user under every combination of rights
mod pool_mount; // the mount of one pool as the root
mod privileges; // what the daemon itself may do
mod rights; // modes, owners, groups, as users meet them

// What programs read.
mod events; // the stream of events and `history`
mod info_and_metrics; // `info.json` against its schema, `metrics` by a parser of OpenMetrics
mod interop; // handles of NFS, sizes, the examples of rotation
mod ordinary_tools; // ordinary programs on every file: stat(2) tells the truth, reading changes nothing
mod posix; // a table of errnos after pjdfstest
mod status_page; // `status.html` and `map.svg` in a browser

// The program.
mod client_completion; // the Tab key in bash, zsh, fish
mod client_top; // `ntmsfs top` on a terminal
mod client_verbs; // the verbs for people
mod mount_forms; // every form and exit status of mount(8), in a private machine
mod mounting; // mount(8), fstab, umount(8), files that are no catalog, damaged ones
mod systemd_units; // the units, the service manager, the journal

// The catalog, and what breaks.
mod archiving; // records that go into archives, checkpoints
mod bit_rot; // bits that turn over on the disk
mod catalog_check; // every rule of `ntmsfs check` can fail
mod crash_points; // a crash at every step of a transaction
mod daemon_faults; // panics, faults of the disk and a committer that hangs, under a mount
mod exports; // copies under load, restore, a new catalog
mod golden_log; // the log of each released format is replayed for ever
mod killed_daemons; // kill -9 with clients at work; a second daemon
mod model; // random operations against an independent reference
mod power_cut; // the power is cut between any two writes
mod soak; // full load for long
mod write_faults; // every step of a write fails, a disk that is really full (no mount)

// The documents and the source.
mod documents; // every example of the README and the manual is run
mod manual; // the pages name what the code has; generated sections
mod methods; // the methods of the protocol, and the tests that prove them
mod tidy; // layers, sizes, what no file may contain
