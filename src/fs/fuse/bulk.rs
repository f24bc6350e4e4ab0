//! `import`: the complete lines of a write are applied together, or none of them.

use super::open::{Bulk, File, Open, Reply};
use super::served::{Served, lock};
use crate::domain::ask::Ask;
use crate::domain::error::{Refusal, Result};
use crate::domain::import::ImportLine;
use crate::fs::framing::Lines;
use crate::fs::parse::{self, Deny, Parsed};
use fuser::{Errno, ReplyWrite, Request};
use std::sync::Arc;

pub(super) fn write(
    served: &Arc<Served>,
    req: &Request,
    file: &Arc<File>,
    (offset, data): (u64, &[u8]),
    reply: ReplyWrite,
) {
    let Open::Bulk(bulk) = &file.open else {
        return reply.error(Errno::EBADF);
    };
    let mut this = lock(bulk);
    let (lines, after) = match complete(&this, data) {
        Ok(taken) => taken,
        Err(deny) => return served.refuse_write(file.uid, (&mut this.reply, offset), deny, reply),
    };
    let written = u32::try_from(data.len()).unwrap_or(u32::MAX);
    if lines.is_empty() {
        this.lines = after;
        return reply.written(written);
    }
    this.busy = true;
    drop(this);
    let ask = Ask::Import {
        pool: file.node.no,
        lines,
    };
    let file = Arc::clone(file);
    served.submit(
        served.caller(req),
        ask,
        (reply, ReplyWrite::error),
        move |served, outcome, reply| {
            let Open::Bulk(bulk) = &file.open else {
                return;
            };
            let mut this = lock(bulk);
            this.busy = false;
            if outcome.is_ok() {
                this.lines = after;
                this.reply = Reply::default();
            }
            let Some(reply) = reply else { return };
            match outcome {
                Ok(_) => reply.written(written),
                Err(refusal) => {
                    served.refuse_write(
                        file.uid,
                        (&mut this.reply, offset),
                        Deny::Refusal(refusal),
                        reply,
                    );
                }
            }
        },
    );
}

/// The complete lines of a write, and the state after it if they are applied.
fn complete(this: &Bulk, data: &[u8]) -> Parsed<(Vec<(u64, ImportLine)>, Lines)> {
    if this.busy {
        return Err(parse::one_at_a_time());
    }
    let prepared = this.lines.prepare(data)?;
    let lines = parsed(&prepared.found)?;
    let mut after = this.lines.clone();
    after.commit(prepared);
    Ok((lines, after))
}

fn parsed(lines: &[(u64, String)]) -> Result<Vec<(u64, ImportLine)>> {
    let mut out = Vec::with_capacity(lines.len());
    for (number, text) in lines {
        let numbered = |refusal: Refusal| {
            refusal
                .kind
                .because(format!("line {number}: {}", refusal.sentence))
        };
        out.extend(
            ImportLine::parse(text.strip_suffix('\r').unwrap_or(text))
                .map_err(numbered)?
                .map(|line| (*number, line)),
        );
    }
    Ok(out)
}
