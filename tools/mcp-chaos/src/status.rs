//! `status`: which faults are applied now, by whom, and until when, read from the journals.

use std::io::{ErrorKind, IsTerminal, Write};

use record::{Ending, Say, clock};
use serde_json::json;
use undo::{Deployment, Plan, State};

use crate::cli::TOOL;

/// Says it: sentences on a terminal, else one JSON object a line for each thing that is applied.
///
/// # Errors
/// The journals can't be read, or stdout can't be written.
pub fn run(say: &Say) -> Result<Ending, String> {
    let told = |e: undo::Error| e.to_string();
    let journals = undo::list(&State::of_user().map_err(told)?).map_err(told)?;
    let ours: Vec<&Deployment> = journals.iter().filter(|j| j.header.tool == TOOL).collect();
    let applied = || {
        ours.iter()
            .flat_map(|j| j.open.iter().map(move |plan| (*j, plan)))
    };
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        if applied().next().is_none() {
            say.note("no fault is applied");
        }
        applied().for_each(|(journal, plan)| say.note(&sentence(journal, plan)));
        return Ok(Ending::Exit(0));
    }
    for (journal, plan) in applied() {
        match writeln!(stdout, "{}", line(journal, plan)) {
            // `status | head -1` is a way to use it.
            Err(e) if e.kind() == ErrorKind::BrokenPipe => break,
            written => written.map_err(|e| format!("stdout can't be written: {e}"))?,
        }
    }
    Ok(Ending::Exit(0))
}

fn line(journal: &Deployment, plan: &Plan) -> serde_json::Value {
    json!({
        "v": record::VERSION,
        "type": "applied",
        "run": journal.header.run,
        "from": journal.header.from,
        "pid": journal.header.owner.pid,
        "alive": journal.alive,
        "kind": plan.kind,
        "id": plan.id,
        "what": plan.effect().phrase(),
        "since_us": plan.ts_us,
        "until_us": left_us(plan).map(|left_us| clock::unix_us() + left_us),
    })
}

fn sentence(journal: &Deployment, plan: &Plan) -> String {
    let header = &journal.header;
    let until = match left_us(plan) {
        Some(left_us) => format!("for {} s more at most", left_us.div_ceil(1_000_000)),
        None => "as long as it runs".to_owned(),
    };
    let by = match journal.alive {
        true => format!("{}, pid {}", header.from, header.owner.pid),
        false => format!(
            "{}, which died without taking it back: `mcp-chaos heal` does",
            header.from
        ),
    };
    format!(
        "{} ({}) {until}, by {by}, of run {}",
        plan.effect().phrase(),
        plan.id,
        header.run
    )
}

/// Until the keeper takes it back.
fn left_us(plan: &Plan) -> Option<u64> {
    let deadline = plan.deadline_mono_us?;
    Some(deadline.saturating_sub(clock::mono_us()))
}
