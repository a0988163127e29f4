//! Undoes what a journal holds open, for a keeper or a sweep, and writes down what was undone.

use std::fs::File;
use std::io;
use std::time::Duration;

use crate::entry::{Effect, Line, Plan, unix_us};
use crate::identity::boot_id;
use crate::journal::append;
use crate::stop::{Target, stop};
use crate::{Contents, Mark};

/// What became of the open entries of a journal.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// One phrase for each entry that was undone.
    pub(crate) undone: Vec<String>,
    /// One phrase for each that could not be: the journal must stay.
    pub(crate) kept: Vec<String>,
}

/// Undoes the open entries that `which` picks, all side by side. Undoing twice does no harm.
pub(crate) fn settle(
    file: &mut File,
    contents: &Contents,
    which: impl Fn(&Plan) -> bool,
    grace: Duration,
) -> io::Result<Settled> {
    let mut settled = Settled::default();
    let Some(header) = &contents.header else {
        return Ok(settled);
    };
    let same_boot = boot_id()? == header.owner.boot_id;
    let mut plans = Vec::new();
    let mut targets = Vec::new();
    for plan in contents.open.values().filter(|plan| which(plan)) {
        match plan.effect() {
            Effect::Process(process) if same_boot => {
                plans.push((plan, process.clone()));
                targets.push(Target {
                    identity: process.identity,
                    pgid: process.pgid,
                    mark: Mark {
                        run: header.run.clone(),
                        from: header.from.clone(),
                        child: plan.id.clone(),
                    },
                });
            }
            // The machine was started anew: no process outlives that.
            Effect::Process(_) => write_done(file, &plan.id)?,
            Effect::Unknown => settled.kept.push(format!(
                "{} '{}', which this version does not know",
                plan.kind, plan.id
            )),
        }
    }
    for ((plan, process), stopped) in plans.iter().zip(stop(&targets, grace)) {
        let name = format!("process {} ({})", process.identity.pid, process.command);
        if !stopped.left.is_empty() {
            settled.kept.push(format!("{name}, which outlived SIGKILL"));
            continue;
        }
        write_done(file, &plan.id)?;
        if stopped.ran {
            settled.undone.push(name);
        }
    }
    settled.kept.extend(
        contents
            .unknown
            .iter()
            .map(|line| format!("a line of another version: {line}")),
    );
    Ok(settled)
}

fn write_done(file: &mut File, id: &str) -> io::Result<()> {
    let line = Line::Done {
        id: id.to_owned(),
        ts_us: unix_us(),
    };
    // The owner may have died in the middle of a line.
    append(file, &line, true).map(|_| ())
}
