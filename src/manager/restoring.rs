//! `ImportNtmsDatabase`: a catalog from an export, checked before it has its name.

use super::{Durability, Faults, Lock, Told, examine};
use crate::domain::error::{ErrorKind, Result};
use crate::store::write::Writer;
use crate::store::{Readers, copy};
use std::path::Path;

/// Makes a catalog of an export. An export that is damaged and a catalog that exists are refused, and nothing is left.
pub fn restore(export: &Path, catalog: &Path) -> Result<()> {
    restore_told(export, catalog, &|_, _, _| {})
}

/// The same, telling how far it is.
pub fn restore_told(export: &Path, catalog: &Path, told: &Told<'_>) -> Result<()> {
    copy::demand_free(catalog)?;
    copy::demand_whole(export)?;
    let lock = Lock::take(catalog)?;
    let unfinished = copy::unfinished(catalog, "restore");
    let restored = copy::duplicate(export, &unfinished, told)
        .and_then(|()| prove(&unfinished, told))
        .and_then(|()| copy::publish(&unfinished, catalog));
    copy::discard(&unfinished);
    drop(lock);
    restored
}

/// Brings the copy to the newest schema and checks all of it.
fn prove(copy: &Path, told: &Told<'_>) -> Result<()> {
    Readers::new(copy).look(|view| crate::store::demand_catalog(view))?;
    drop(Writer::open(copy, Durability::Full, Faults::default())?);
    let found = Readers::new(copy).look(|view| examine(view, told))?;
    match found.problems.first() {
        None => Ok(()),
        Some(first) => Err(ErrorKind::DatabaseFailure.because(format!(
            "the export is damaged, {} problems; the first: {first}",
            found.problems.len()
        ))),
    }
}
