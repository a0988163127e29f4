//! Takes back what a journal holds open, for the tool itself, a keeper or a sweep, and writes down what was taken back.

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::entry::{Line, Plan, unix_us};
use crate::identity::boot_id;
use crate::journal::append;
use crate::stop::{Target, stop_unless_hurried};
use crate::{Contents, Effect, Header, Mark};

/// What became of one entry.
#[derive(Debug)]
pub(crate) enum Fate {
    /// There was nothing to take back any more.
    Gone,
    /// It was taken back; the phrase says what.
    Undone(String),
    /// It could not be, for the reason in this phrase; where a process is to blame, which one.
    Kept(String, Option<i32>),
}

/// What became of the open entries of a journal.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// One phrase for each entry that was undone.
    pub(crate) undone: Vec<String>,
    /// One phrase for each that could not be: the journal must stay.
    pub(crate) kept: Vec<String>,
}

/// Undoes the open entries that `which` picks. Undoing twice does no harm.
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
    let plans: Vec<&Plan> = contents.open.values().filter(|plan| which(plan)).collect();
    let fates = take_back(&plans, header, grace, &AtomicBool::new(false))?;
    for (plan, fate) in plans.iter().zip(fates) {
        match fate {
            Fate::Gone => write_done(file, &plan.id)?,
            Fate::Undone(phrase) => {
                write_done(file, &plan.id)?;
                settled.undone.push(phrase);
            }
            Fate::Kept(phrase, _) => settled.kept.push(phrase),
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

/// Takes back all of these; what became of each, in their order. Whoever was paused goes on before anybody is ended, and
/// processes are ended side by side.
pub(crate) fn take_back(
    plans: &[&Plan],
    header: &Header,
    grace: Duration,
    hurry: &AtomicBool,
) -> io::Result<Vec<Fate>> {
    // Whatever we know how to undo does not outlive the machine's restart.
    let same_boot = boot_id()? == header.owner.boot_id;
    let mut targets = Vec::new();
    let mut fates: Vec<Option<Fate>> = Vec::new();
    for plan in plans {
        let effect = plan.effect();
        let undone = if same_boot {
            effect.undo()
        } else {
            Some(Ok(false))
        };
        fates.push(match (&effect, undone) {
            (Effect::Unknown, _) => Some(Fate::Kept(
                format!(
                    "{} '{}', which this version does not know",
                    plan.kind, plan.id
                ),
                None,
            )),
            (_, Some(Ok(true))) => Some(Fate::Undone(effect.phrase())),
            (_, Some(Ok(false))) => Some(Fate::Gone),
            (_, Some(Err(phrase))) => Some(Fate::Kept(phrase, None)),
            (Effect::Process(process), None) => {
                targets.push(Target {
                    identity: process.identity.clone(),
                    pgid: process.pgid,
                    mark: Mark {
                        run: header.run.clone(),
                        from: header.from.clone(),
                        child: plan.id.clone(),
                    },
                });
                None
            }
            (Effect::Paused(_) | Effect::Within(_), None) => None, // they have an undo
        });
    }
    let mut stopped = stop_unless_hurried(&targets, grace, hurry).into_iter();
    let fate = |(plan, fate): (&&Plan, Option<Fate>)| match fate {
        Some(fate) => fate,
        None => {
            let stopped = stopped.next().unwrap_or_default();
            let phrase = plan.effect().phrase();
            match stopped.left.first() {
                Some(&pid) => Fate::Kept(format!("{phrase}, which outlived SIGKILL"), Some(pid)),
                None if stopped.ran => Fate::Undone(phrase),
                None => Fate::Gone,
            }
        }
    };
    Ok(plans.iter().zip(fates).map(fate).collect())
}

fn write_done(file: &mut File, id: &str) -> io::Result<()> {
    let line = Line::Done {
        id: id.to_owned(),
        ts_us: unix_us(),
    };
    // The owner may have died in the middle of a line.
    append(file, &line, true).map(|_| ())
}
