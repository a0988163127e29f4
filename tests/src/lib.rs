//! Helpers for tests of whole pipelines: run one in bash, look at what it wrote, and at what it left behind.

mod abuse;
pub mod asking;
mod dice;
pub mod faults;
mod folder;
mod hostile;
mod leftovers;
mod line_server;
mod pipeline;
mod running;
mod schemas;
mod server;
mod stream;
mod sums;
mod terminal;
mod tools;

pub use abuse::{Counts, abuse};
pub use dice::Dice;
pub use folder::Folder;
pub use hostile::Hostile;
pub use leftovers::{Process, marked};
pub use line_server::{answer, line_server};
pub use pipeline::{Finished, Pipeline};
pub use running::Running;
pub use server::Server;
pub use stream::{Line, Stream};
pub use sums::{assert_conserved, assert_intervals_add_up, scheduled};
pub use terminal::Terminal;
pub use tools::{FILTERS, folder as tools};

/// How long a thing may take that should be quick, on a machine that has other things to do.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Asks again and again until `condition` holds.
///
/// # Panics
/// When it does not hold within `patience`: `what` says what was waited for.
pub fn until(what: &str, patience: std::time::Duration, mut condition: impl FnMut() -> bool) {
    let end = std::time::Instant::now() + patience;
    while !condition() {
        assert!(
            std::time::Instant::now() < end,
            "waited {patience:?} in vain for this: {what}"
        );
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}
