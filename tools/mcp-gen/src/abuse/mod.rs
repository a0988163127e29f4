//! Abuse: deliberately bad behaviour beside the load, and whether servers take it as they should.
//!
//! It has a thread, connections and sessions of its own, so that it can disturb nothing but the server. How often each
//! kind comes is a share of the calls that are due on the profile's schedule, at instants of its own: the load is the same
//! with abuse and without.

mod act;
mod came;
mod command;
mod crew;
mod ear;
mod hold;
mod kind;
mod ledger;
mod message;
mod pipe;
mod report;
mod right;
mod scene;
mod talk;
mod terms;
mod timetable;
mod wish;

pub use command::run as command;
pub use crew::Crew;
pub use ledger::Ledger;
pub use terms::Terms;
pub use wish::{Shares, parse, wanted};
