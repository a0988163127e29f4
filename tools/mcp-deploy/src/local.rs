//! `local`: N servers on this machine, up as long as somebody reads, and gone with the run.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use record::kind::Target;
use record::{Ending, Say};
use undo::Undo;

use crate::cli::{LocalArgs, TOOL};
use crate::hold::{Brake, Happening, Hold, Over, Step};
use crate::port::Ports;
use crate::recipe::Recipe;
use crate::replica::{News, Replica, Workshop};
use crate::stream::Stream;

/// Beyond `--for`, the time for starting and ending in good order; only then the keeper steps in.
const SPARE: Duration = Duration::from_secs(120);

/// Runs `local` to its end.
///
/// # Errors
/// What is wrong with the command line; all later failures are told to the pipe, too.
pub fn run(args: LocalArgs, say: &Arc<Say>) -> anyhow::Result<Ending> {
    let recipe = Recipe::of(&args)?;
    let (hold, tell, brake) = Hold::begin().context("signals can't be watched")?;
    let stream = Stream::begin(say, &tell);
    let over = match open_undo(&stream, say, &brake) {
        Ok(undo) => {
            let over = stand(&args, recipe, &undo, hold, tell, &stream);
            // Supervisors need not be told: nothing can be launched once this has begun.
            match undo.close(args.grace) {
                Ok(()) => over,
                Err(error) => Over::Failed(error.to_string()),
            }
        }
        Err(error) => Over::Failed(error.to_string()),
    };
    brake.undone();
    // It may have come while we were undoing.
    Ok(stream.end(brake.because(over)))
}

fn open_undo(stream: &Stream, say: &Arc<Say>, brake: &Brake) -> Result<Arc<Undo>, undo::Error> {
    let identity = stream.identity();
    let say = Arc::clone(say);
    let tell = move |text: &str| say.note(text);
    let undo = Arc::new(Undo::open(&identity.run, TOOL, &identity.from, tell)?);
    brake.covers(&undo);
    Ok(undo)
}

/// Starts the servers, writes what happens to them, and returns when the run is over.
fn stand(
    args: &LocalArgs,
    recipe: Recipe,
    undo: &Arc<Undo>,
    mut hold: Hold,
    tell: Sender<Happening>,
    stream: &Stream,
) -> Over {
    if let Err(sentence) = start(args, recipe, undo, tell) {
        return Over::Failed(sentence);
    }
    let mut first: Vec<Option<Target>> = vec![None; usize::from(args.replicas)];
    let mut ready = false;
    loop {
        match hold.next() {
            Step::Over(over) => return over,
            Step::News(_, News::Failed(sentence)) => return Over::Failed(sentence),
            Step::News(_, News::Waiting(sentence)) => stream.note(&sentence),
            Step::News(_, News::Event(event)) => {
                stream.note(event.text.as_deref().unwrap_or(&event.event));
                stream.write(event);
            }
            Step::News(_, News::Up(target)) if ready => stream.write(*target),
            Step::News(index, News::Up(target)) => {
                first[index] = Some(*target);
                if first.iter().all(Option::is_some) {
                    note_up(&first, stream);
                    stream.ready(first.drain(..).flatten());
                    hold.ready(args.hold_for);
                    ready = true;
                }
            }
            Step::Interrupted => stream.note(
                "interrupted: the servers stay until the reader has left, 20 s at most; once more ends them at once",
            ),
        }
    }
}

/// A thread for each server: it waits nearly all the time.
fn start(
    args: &LocalArgs,
    recipe: Recipe,
    undo: &Arc<Undo>,
    tell: Sender<Happening>,
) -> Result<(), String> {
    let mut ports = Ports::new();
    let mut chosen = Vec::new();
    for index in 0..args.replicas {
        let port = match args.port {
            Some(first) => first.checked_add(index).ok_or_else(|| {
                format!(
                    "--port {first}: {} ports above it are beyond 65535",
                    args.replicas
                )
            })?,
            None => ports.next().map_err(|error| error.to_string())?,
        };
        chosen.push(port);
    }
    let shop = Arc::new(Workshop {
        recipe,
        undo: Arc::clone(undo),
        ports: args.port.is_none().then(|| Mutex::new(ports)),
        health_timeout: args.health_timeout,
        health_every: args.health_every,
        max_restarts: args.max_restarts,
        deadline: args
            .hold_for
            .map(|time| time + args.health_timeout + args.grace + SPARE),
        tell,
    });
    for (index, port) in chosen.into_iter().enumerate() {
        let name = format!("local-{}", index + 1);
        let replica = Replica {
            index,
            port,
            shop: Arc::clone(&shop),
            name: name.clone(),
        };
        std::thread::Builder::new()
            .name(name)
            .spawn(move || replica.run())
            .map_err(|error| format!("a thread can't be started: {error}: raise `ulimit -u`, or start fewer with --replicas"))?;
    }
    Ok(())
}

fn note_up(targets: &[Option<Target>], stream: &Stream) {
    let urls: Vec<&str> = targets
        .iter()
        .flatten()
        .map(|target| target.url.as_str())
        .collect();
    let more = urls.len().saturating_sub(3);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let shown = urls[..urls.len().min(3)].join(" ");
    stream.note(&format!("{} up: {shown}{more}", urls.len()));
}
