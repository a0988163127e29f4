//! `status`: what the mcpipe tools of this user have running, read from their journals.

use std::io::{IsTerminal, Write};

use anyhow::Context;
use record::{Ending, Say};
use serde_json::json;
use undo::{Deployment, Effect, State};

/// Says it: sentences on a terminal, else one JSON object a line for each tool.
///
/// # Errors
/// The journals can't be read, or stdout can't be written.
pub fn run(say: &Say) -> anyhow::Result<Ending> {
    let deployments = undo::list(&State::of_user()?)?;
    let mut stdout = std::io::stdout();
    if stdout.is_terminal() {
        tell(&deployments, say);
        return Ok(Ending::Exit(0));
    }
    for deployment in &deployments {
        let header = &deployment.header;
        let line = json!({
            "v": record::VERSION,
            "type": "deployment",
            "run": header.run,
            "from": header.from,
            "ts_us": header.ts_us,
            "pid": header.owner.pid,
            "alive": deployment.alive,
            "open": deployment.open.iter().map(|plan| match plan.effect() {
                Effect::Process(process) => json!({"kind": plan.kind, "id": plan.id, "pid": process.identity.pid, "alive": process.identity.is_alive()}),
                Effect::Paused(paused) => json!({"kind": plan.kind, "id": plan.id, "pid": paused.identity.pid, "alive": paused.identity.is_alive()}),
                Effect::Within(_) | Effect::Unknown => json!({"kind": plan.kind, "id": plan.id}),
            }).collect::<Vec<_>>(),
        });
        match writeln!(stdout, "{line}") {
            // `status | head -1` is a way to use it.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                return Ok(Ending::Exit(0));
            }
            written => written.context("stdout can't be written")?,
        }
    }
    Ok(Ending::Exit(0))
}

fn tell(deployments: &[Deployment], say: &Say) {
    if deployments.is_empty() {
        say.note("nothing is running");
    }
    for deployment in deployments {
        let header = &deployment.header;
        let state = if deployment.alive {
            format!("runs as pid {}", header.owner.pid)
        } else {
            "died without undoing: `mcp-deploy down` ends what it left".to_owned()
        };
        say.note(&format!(
            "{} of run {} {state}; it holds {}",
            header.from,
            header.run,
            held(deployment)
        ));
    }
}

fn held(deployment: &Deployment) -> String {
    if deployment.open.is_empty() {
        return "nothing".to_owned();
    }
    let things: Vec<String> = deployment
        .open
        .iter()
        .map(|plan| match plan.effect() {
            Effect::Process(process) => format!("{} (pid {})", plan.id, process.identity.pid),
            Effect::Paused(_) | Effect::Within(_) => plan.effect().phrase(),
            Effect::Unknown => format!("{} {}", plan.kind, plan.id),
        })
        .collect();
    things.join(", ")
}
