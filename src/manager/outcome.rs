//! The text of a result, as the caller reads it and as the record keeps it.

use crate::codes;
use crate::domain::allocate_request::AllocateRequest;
use crate::domain::change::Allocation;
use crate::domain::error::Refusal;
use crate::domain::rule::allocate::Facts;
use serde_json::{Value, json};

/// Renders a success: the LMID, and where the medium came from if that was asked.
pub(super) fn success(allocation: &Allocation, request: &AllocateRequest) -> String {
    let lmid = allocation.logical.id.to_string();
    let (id, path) = (allocation.from_pool.to_string(), &allocation.from_path);
    match (request.json, request.allocate_information) {
        (false, false) => format!("{lmid}\n"),
        (false, true) => format!("{lmid}\nallocated-from {id} {path}\n"),
        (true, false) => format!("{}\n", json!({ "lmid": lmid })),
        (true, true) => format!(
            "{}\n",
            json!({ "lmid": lmid, "allocated_from": { "id": id, "pool": path } })
        ),
    }
}

/// Renders a failure: one line, or one JSON object with the counts of what was searched.
pub(super) fn failure(refusal: &Refusal, json: bool, facts: Option<&Facts>) -> String {
    if !json {
        return format!("{}\n", codes::line(refusal));
    }
    let code = codes::code(refusal.kind);
    let mut counts = serde_json::Map::new();
    for pool in facts
        .iter()
        .flat_map(|facts| std::iter::once(&facts.pool).chain(&facts.free))
    {
        let rows = pool.counts.0.iter().fold(
            serde_json::Map::new(),
            |mut map, (state, standing, sides)| {
                let key = match standing {
                    0 => state.word().to_owned(),
                    1 => format!("{state}-offline"),
                    3 => format!("{state}-resting"),
                    _ => format!("{state}-disabled"),
                };
                map.insert(key, Value::from(*sides));
                map
            },
        );
        counts.insert(pool.path.clone(), Value::Object(rows));
    }
    let error = json!({
        "code": format!("0x{:08X}", code.hresult()), "name": code.name, "message": refusal.sentence, "counts": counts,
    });
    format!("{}\n", json!({ "error": error }))
}
