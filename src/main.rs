//! ntmsfs, or mount.ntmsfs if it is called by that name.

fn main() {}
