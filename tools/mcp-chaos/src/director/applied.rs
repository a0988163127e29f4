//! What holds a fault on one target until it is lifted.

use crate::process::beside::Beside;
use crate::process::restart::Restarting;
use crate::process::spent;
use crate::proxy::Proxies;
use undo::Held;

/// A fault on one target.
pub enum Applied {
    /// It has happened, and nothing is to be lifted.
    Over,
    /// The process was asked to end, and is to come back.
    Restarting(Restarting),
    /// The process stands still.
    Paused(Held),
    /// A process of ours keeps its CPUs busy, with so many threads.
    Busy(Beside, u64),
    /// A process of ours fills memory.
    Filled(Beside),
    /// It is on the proxy of this target, under this name.
    InPath {
        /// The proxies.
        proxies: Proxies,
        /// The target.
        name: String,
        /// The fault.
        id: String,
    },
}

/// What a fault did, by name.
pub type Counts = Vec<(&'static str, u64)>;

/// What came of lifting.
#[derive(Debug, Default)]
pub struct Lifted {
    /// What it did.
    pub counts: Counts,
    /// What was odd, in a phrase.
    pub odd: Option<String>,
}

impl Applied {
    /// Lifts it.
    ///
    /// # Errors
    /// A sentence: it could not be taken back.
    pub fn lift(self, pauses: &mut crate::process::pause::Pauses) -> Result<Lifted, String> {
        let processes = ("processes", 1);
        Ok(match self {
            Self::Over => Lifted {
                counts: vec![processes],
                odd: None,
            },
            Self::Restarting(restarting) => Lifted {
                counts: vec![
                    processes,
                    ("killed", u64::from(restarting.was_killed)),
                    ("back", u64::from(restarting.is_back)),
                ],
                odd: None,
            },
            Self::Paused(held) => {
                let was_there = pauses.end(held)?;
                Lifted {
                    counts: vec![processes],
                    odd: (!was_there).then(|| "it was gone before its pause was over".to_owned()),
                }
            }
            Self::Busy(beside, workers) => {
                let spent = spent::cpu_us(beside.pid()).unwrap_or(0);
                Lifted {
                    odd: beside.end()?,
                    counts: vec![processes, ("workers", workers), ("cpu_us", spent)],
                }
            }
            Self::InPath { proxies, name, id } => Lifted {
                counts: proxies.lift(&name, &id)?.into_iter().collect(),
                odd: None,
            },
            Self::Filled(beside) => {
                let peak = spent::peak_bytes(beside.pid()).unwrap_or(0);
                Lifted {
                    odd: beside.end()?,
                    counts: vec![processes, ("peak_bytes", peak)],
                }
            }
        })
    }
}
