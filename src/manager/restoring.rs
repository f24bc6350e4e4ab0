//! `ImportNtmsDatabase`: a catalog from an export, checked before it has its name.

use super::{Durability, Faults, Lock, examine};
use crate::domain::error::{ErrorKind, Result};
use crate::store::write::Writer;
use crate::store::{Readers, copy};
use std::path::Path;

/// Makes a catalog of an export. An export that is damaged and a catalog that exists are refused, and nothing is left.
pub fn restore(export: &Path, catalog: &Path) -> Result<()> {
    copy::demand_free(catalog)?;
    copy::demand_whole(export)?;
    let lock = Lock::take(catalog)?;
    let unfinished = copy::unfinished(catalog, "restore");
    let restored = copy::duplicate(export, &unfinished)
        .and_then(|()| prove(&unfinished))
        .and_then(|()| copy::publish(&unfinished, catalog));
    copy::discard(&unfinished);
    drop(lock);
    restored
}

/// Brings the copy to the newest schema and checks all of it.
fn prove(copy: &Path) -> Result<()> {
    Readers::new(copy).look(|view| crate::store::demand_catalog(view))?;
    drop(Writer::open(copy, Durability::Full, Faults::default())?);
    let found = Readers::new(copy).look(examine)?;
    match found.problems.first() {
        None => Ok(()),
        Some(first) => Err(ErrorKind::DatabaseFailure.because(format!(
            "the export is damaged, {} problems; the first: {first}",
            found.problems.len()
        ))),
    }
}
