//! ntmsfs: removable storage management as a file system. This page is the architecture.
//!
//! ```text
//!   kernel, mount(8), a shell
//!        │
//!   cli      command line, daemon, mount point       fs/fuse  the adapter: calls of the kernel
//!        │                                               │
//!        └──────────────►  fs       THE TABLE of the tree; text out, asks in
//!                                │
//!                          manager  one committer: asks in, one transaction, answers out
//!                          │     │
//!                 library ◄┘     └► store   the catalog: log and tables, SQLite
//!                          │     │
//!                          └► domain ◄┘     vocabulary and rules, pure;  codes: the error table
//! ```
//!
//! # Layers
//!
//! * [`cli`]: what a person, mount(8) or a service manager starts, and whose rights it has then. The only layer with `anyhow`.
//! * [`fs`]: the namespace. [`fs::fuse`] alone names the FUSE library; the rest of the layer can be tested without a
//!   kernel.
//! * [`manager`]: the shell around the rules: inbox, transaction, deadlines, the workers of the libraries. Only
//!   [`manager::clock`] asks the time.
//! * [`library`]: what moves media: one that is simulated, and one whose robot is a person.
//! * [`store`]: the only layer that names the database.
//! * [`codes`]: kind of error → name, code of the protocol, errno, meaning.
//! * [`domain`]: objects, states, asks, events and rules. It names no other layer, and nothing that does input or output.
//!
//! A layer names only what is below it: `cli → fs → manager → store → codes → domain`, `manager → library → domain`.
//! `tests/it/tidy` reads every `use` and holds the table, with the caps of size.
//!
//! # Ideas
//!
//! * **The tree is declared once.** [`fs::tree::TREE`] has one row for each file. Lookup, listing, modes, writing and the
//!   manual's list come from it.
//! * **An inode is a row and an object number** ([`fs::Node`]), so there is no map of inodes, and numbers last.
//! * **Rules decide, the manager performs.** A rule is a function of facts and an ask; it returns events or a refusal.
//! * **Events are the truth.** [`store::write::Writer::record`] appends each [`domain::event::Event`] to the log and
//!   applies it to the tables in the same transaction. `history` is that log. `ntmsfs check` rebuilds the tables from it.
//! * **Nothing leaves the log that nobody has.** That records are in a file ([`store::archive`]) is an event, proved by the chain
//!   of the last. The checkpoint ([`store::checkpoint`]), which is what replaying them gives, then takes their place.
//! * **One committer, many asks.** It drains its inbox into one transaction and answers after the commit. Readers
//!   see committed snapshots ([`store::Readers`]) and never wait for it.
//! * **No callback waits.** A reply that must wait is parked (`fs/waiting.rs`) or held for a commit (`fs/held.rs`).
//! * **A failed commit is an unknown commit.** Nothing is answered by guess: the daemon looks whether the batch is in the log
//!   ([`store::write::Commit`]), and ends if it cannot know.
//!
//! # Invariants
//!
//! No side is allocated twice. No LMID that was returned is lost or changed by a crash. No request is answered twice. Every
//! medium is in one pool, all its sides with it; an LMID has one side. A reserved side has an owned sibling. Counts equal
//! what counting gives. [`manager::check`] verifies them on any catalog.
//!
//! # One allocation
//!
//! `exec 3<>pools/Backup/allocate; echo timeout=60s >&3; read -r lmid <&3`
//!
//! 1. The adapter ([`fs::fuse`]) gets write(2). `fs/framing.rs` finds the complete line,
//!    [`domain::allocate_request::AllocateRequest::parse`] reads it, and [`manager::Manager::admit`] checks pool and right. What is wrong
//!    so far is the errno of the write. Nothing is recorded.
//! 2. read(2) or poll(2) submits [`domain::ask::Ask::Allocate`] through [`manager::Manager::submit`] and parks its reply. A named
//!    request is submitted by its write(2) instead.
//! 3. The committer takes all asks that wait into one transaction: [`manager::core::Core`]. Each runs in a savepoint.
//!    `manager/allocating.rs` loads the facts ([`store::fact::allocate`]; candidates come from [`store::search`]).
//! 4. [`domain::rule::allocate::search`] decides: take this side, wait, or refuse. [`domain::rule::allocate::allocation`] makes the
//!    event of the first.
//! 5. The event is recorded: side, siblings, logical medium, counts, pool of the medium, request and result change together. If
//!    it waits, the request and its operator request are recorded instead.
//! 6. After the ask, `manager/supply.rs` tries the waiting requests that it could satisfy, oldest first.
//! 7. One commit, synced. Then the answers: the parked read gets the LMID, readers of `events` wake, and the kernel is told
//!    which names have changed.
//! 8. When the first line was handed to a read whose caller has no signal pending, the result counts as read and the
//!    delivery is recorded with the next transaction. A close before that gives the side back
//!    ([`domain::rule::deallocate::undo`]).
//!
//! A crash before 7 leaves nothing. After 7 the allocation stands; at the next start it is listed as *delivery unknown*.
//!
//! # One mount
//!
//! `echo "mount media=$lmid" > libraries/lto/requests/a; cat libraries/lto/results/a`
//!
//! 1. The write is parsed by [`domain::library_request::LibraryRequest::parse`] and recorded as work; in the same transaction
//!    `manager/serving.rs` looks at the queue of the library: [`domain::rule::mount::schedule`] gives each request a drive, a
//!    person to ask, a reason to wait, or its end.
//! 2. Work that was started goes to a thread of its own (`manager/worker.rs`), which lets [`library::Library`] move and
//!    load, and reports back as an ask. The answer is recorded, and the queue looked at again.
//! 3. After a crash, work in process is begun again: what the library says is in the drive decides what is left to do.
//!
//! # One start
//!
//! `mount -t ntmsfs CATALOG DIR`, as root: `cli/mounthelper.rs` reads the words, `cli/mount.rs` runs the program again as the daemon and waits
//! until the tree answers. `cli/daemon.rs` starts the keeper (`cli/keeper.rs`), the only process that may mount, becomes the owner of the
//! catalog and gives up every right (`cli/privilege.rs`, `cli/sandbox.rs`), opens the catalog, has the keeper mount and
//! hand over the connection (`cli/handover.rs`), serves, and gives up every call of the kernel that it does not need
//! (`cli/syscalls.rs`).
//!
//! # Where is what
//!
//! * A file of the tree: its row in `fs/tree.rs`; its text in `fs/show/`; its value, read, in `fs/values.rs`. What is markup is made
//!   by `fs/show/markup.rs` alone.
//! * A rule: `domain/rule/`, one file a family of operations. A refusal gets its sentence there and its code in [`codes`].
//! * What an event does to the tables: `store/apply/`.
//! * A verb for people: `cli/client/`, one file each; its examples are parsed, and those of ntmsfs(8) run, by tests.
//! * A new attribute of a pool: a row number in `fs/node.rs` (append; numbers are in inodes), a row in `fs/tree.rs`, a function in
//!   `fs/show/pool.rs` and one in `fs/values.rs`; a variant of [`domain::ask::SetPool`] and [`domain::change::PoolChange`], the
//!   rule in `domain/rule/pool.rs`; a migration and the column in `store/`. The compiler and `tests/it/manual.rs` say what is missing.

pub mod cli;
pub mod codes;
pub mod domain;
pub mod fs;
pub mod library;
pub mod manager;
pub mod store;
