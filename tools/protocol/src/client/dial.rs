//! Where a conversation's bytes go when no address says it: to a child, for one.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::wire::Wire;

/// Opens a fresh wire each time it is asked.
#[derive(Clone)]
pub struct Dial(Arc<dyn Fn() -> io::Result<Wire> + Send + Sync>);

impl Dial {
    /// Opens wires by this.
    pub fn new(open: impl Fn() -> io::Result<Wire> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    pub(super) fn open(&self) -> io::Result<Wire> {
        (self.0)()
    }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dial")
    }
}
