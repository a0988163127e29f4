//! The director: one thread that hears all that happens, and begins and ends faults when they are due.

mod api;
mod applied;
mod applying;
mod brake;
mod dues;
mod ending;
mod faults;
mod instants;
mod lifting;
mod moment;
mod opening;
mod roster;
mod starting;
mod steadying;
mod telling;
mod usage;

use crate::api::{Api, Told};
use crate::cli::RunArgs;
use crate::path::Path;
use crate::plan::Plan;
use crate::plan::timing::Windows;
use crate::process::guard::Guard;
use crate::process::pause::Pauses;
use crate::proxy::Said;
use crate::steady::probe::Probed;
use crate::stream::place::Place;
use crate::stream::{self, Arrival, Wants};
use brake::Brake;
use dues::{Due, Dues};
use ending::Over;
use faults::Running;
use instants::Instants;
use record::kind::{Stage, Warning};
use record::{Body, Ending, Pen, Say, clock, signal};
use roster::Roster;
use std::collections::{BTreeMap, VecDeque};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use steadying::Steadying;
use undo::Undo;

/// What the director is told by other threads.
enum Happening {
    Arrival(Arrival),
    ReaderLeft,
    /// This signal came, the n-th of all.
    Signal(i32, u32),
    /// A call of our own ended.
    Probed(Probed),
    /// A proxy has something to say.
    Relay(Said),
    /// A client of the API began or ended a fault.
    Api(Told),
}

/// After the first signal mcp-gen still writes its summary; proxies stay for it so long.
const PATIENCE_US: u64 = 20_000_000;
/// So many records wait for a reader that does not read; more are dropped, and counted.
const MAX_UNWRITTEN: usize = 10_000;
/// How often it is tried again to write them.
const AGAIN: Duration = Duration::from_millis(50);
/// Instead of "for ever", where nothing is due.
const NEVER: Duration = Duration::from_secs(3_600);

/// Whether a plan can be carried out anywhere, and asks for a steady state that there can be.
///
/// # Errors
/// A sentence with the way out.
pub fn check(plan: &Plan) -> Result<(), String> {
    usage::check(plan)?;
    Steadying::of(plan.steady.as_deref(), NEVER).map(drop)
}

/// Runs mcp-chaos in its pipe, with faults.
///
/// # Errors
/// What is wrong with the command line; all later failures are told to the pipe, too.
pub fn run(plan: Plan, seed: u64, args: &RunArgs, say: &Arc<Say>) -> Result<Ending, String> {
    let steady = Steadying::of(plan.steady.as_deref(), args.steady_within)?;
    let (tell, told) = mpsc::channel();
    let brake = Arc::new(Brake::default());
    let (on_signal, to_brake) = (tell.clone(), Arc::clone(&brake));
    signal::watch(move |number, nth| {
        to_brake.signal(number, nth);
        drop(on_signal.send(Happening::Signal(number, nth)));
    })
    .map_err(|e| format!("cannot watch signals: {e}"))?;
    let path = opening::open_path(&plan, args, &tell)?;
    let api = api::open(args, path.as_ref(), seed, &tell)?;
    let intervals = Arc::new(AtomicBool::new(false));
    let wants = Wants {
        seed,
        check: usage::by_place(&plan),
        intervals: Arc::clone(&intervals),
        path: path.clone(),
        stdin: api.is_none() || !std::io::stdin().is_terminal(),
    };
    let (gone, arrived) = (tell.clone(), tell.clone());
    stream::read(
        wants,
        move || drop(gone.send(Happening::ReaderLeft)),
        move |arrival| drop(arrived.send(Happening::Arrival(arrival))),
    );
    let director = Director {
        armed: plan.faults.iter().map(|_| None).collect(),
        begun: vec![0; plan.faults.len()],
        plan,
        seed,
        is_strict: args.strict,
        say: Arc::clone(say),
        tell,
        told,
        brake,
        path,
        api,
        pen: None,
        unwritten: VecDeque::new(),
        undo: None,
        guard: Guard::of_this_process(),
        roster: Roster::default(),
        place: None,
        instants: Instants::default(),
        steady,
        intervals,
        dues: Dues::default(),
        running: BTreeMap::new(),
        pauses: Pauses::default(),
        warned: 0,
        is_winding_down: false,
        has_failed: false,
    };
    Ok(director.live())
}

struct Director {
    plan: Plan,
    seed: u64,
    /// A fault that cannot be applied is a failure.
    is_strict: bool,
    say: Arc<Say>,
    tell: Sender<Happening>,
    told: Receiver<Happening>,
    brake: Arc<Brake>,
    /// Where faults are in the path of the calls.
    path: Option<Path>,
    /// Where clients of Toxiproxy's are served.
    api: Option<Api>,
    pen: Option<Pen>,
    /// Records that the pen had no room for: were we to wait for a slow reader, faults would not end in time.
    unwritten: VecDeque<Body>,
    /// Where the plan has something to take back.
    undo: Option<Arc<Undo>>,
    guard: Guard,
    roster: Roster,
    place: Option<Place>,
    instants: Instants,
    steady: Steadying,
    /// Whether the reader tells intervals.
    intervals: Arc<AtomicBool>,
    dues: Dues,
    /// For each fault of the plan, once the instant is known that it counts from: that instant, and what is to come.
    armed: Vec<Option<(u64, Windows)>>,
    /// How often each fault of the plan has come.
    begun: Vec<u64>,
    running: BTreeMap<String, Running>,
    pauses: Pauses,
    /// So many times a fault was told to have failed.
    warned: u64,
    /// No fault begins any more.
    is_winding_down: bool,
    /// The exit status is to be 2.
    has_failed: bool,
}

impl Director {
    fn live(mut self) -> Ending {
        let over = loop {
            self.write_waiting();
            let happening = match self.told.recv_timeout(self.pause()) {
                Ok(happening) => Some(happening),
                Err(RecvTimeoutError::Timeout) => None,
                // Can't be: we hold a sender ourselves.
                Err(RecvTimeoutError::Disconnected) => break Over::Ended,
            };
            if let Some(over) = happening.and_then(|h| self.hear(h)) {
                break over;
            }
            if let Some(over) = self.act() {
                break over;
            }
        };
        self.end(over)
    }

    /// Until something is due.
    fn pause(&self) -> Duration {
        let pause = self.dues.next_us().map_or(NEVER, |at_us| {
            Duration::from_micros(at_us.saturating_sub(clock::mono_us()))
        });
        match self.unwritten.is_empty() {
            true => pause,
            false => pause.min(AGAIN),
        }
    }

    fn hear(&mut self, happening: Happening) -> Option<Over> {
        match happening {
            Happening::Arrival(arrival) => return self.arrive(arrival),
            Happening::ReaderLeft => return Some(Over::ReaderLeft),
            Happening::Signal(_, 1) => return self.interrupt(),
            Happening::Signal(number, _) => return Some(Over::Signal(number)),
            Happening::Probed(probed) => self.probed(&probed),
            Happening::Api(told) => self.told_by_api(told),
            Happening::Relay(Said::FirstByte { mono_us }) => {
                self.instants.traffic(mono_us);
                self.arm();
            }
            Happening::Relay(Said::Trouble(text)) => {
                self.warn(Warning::new("proxy_trouble", record::cut(text)));
            }
        }
        None
    }

    fn arrive(&mut self, arrival: Arrival) -> Option<Over> {
        match arrival {
            Arrival::Opened(pen) => {
                self.pen = Some(pen);
                self.tell_api();
                return self.open_undo().err().map(Over::Failed);
            }
            Arrival::Stands(place) => self.place = Some(place),
            Arrival::Tool(pid) => self.guard.spare(pid),
            Arrival::Target(seen) => {
                self.see_restarted(&seen);
                self.roster.put(*seen);
            }
            Arrival::Ready(ready) => self.ready(&ready),
            Arrival::Stage(stage) => self.stage(&stage),
            Arrival::Interval(interval) => self.interval(&interval),
            Arrival::Warning(warning) => self.warn(warning),
            Arrival::Refused(sentence) => return Some(Over::Failed(sentence)),
            Arrival::Ended { read: Err(e), .. } => {
                return Some(Over::Failed(format!("cannot read stdin: {e}")));
            }
            Arrival::Ended {
                read: Ok(()),
                is_silent,
            } => return self.upstream_ended(is_silent),
        }
        None
    }

    /// All that is due by now.
    fn act(&mut self) -> Option<Over> {
        while let Some((_, due)) = self.dues.pop(clock::mono_us()) {
            match due {
                Due::Begin {
                    fault,
                    nth,
                    length_us,
                } => self.begin(fault, nth, length_us),
                Due::End(id) => self.finish(&id, None),
                Due::Harder(id) => self.harder(&id),
                Due::GiveUp(id) => self.give_up(&id),
                Due::SteadyLimit => {
                    if let Some(over) = self.miss_steady() {
                        return Some(over);
                    }
                }
                Due::Leave => return Some(Over::Ended),
            }
        }
        None
    }

    fn stage(&mut self, stage: &Stage) {
        if stage.state == "began" {
            self.instants.stage(stage);
            self.arm();
        }
    }
}
