//! What is passed on to one side: what comes at once is put together, and nothing overtakes what must not be overtaken.

use super::{Pass, Side};

/// The way to one side.
#[derive(Debug)]
pub(super) struct Outlet {
    to: Side,
    /// Nothing leaves before this instant any more.
    floor_us: u64,
    /// The last instant at which something was passed.
    latest_us: u64,
    /// Nothing leaves any more.
    pub(super) muted: bool,
}

impl Outlet {
    pub(super) const fn new(to: Side) -> Self {
        Self {
            to,
            floor_us: 0,
            latest_us: 0,
            muted: false,
        }
    }

    /// Passes bytes on that stay as they are.
    pub(super) fn raw(&mut self, bytes: &[u8], now_us: u64, out: &mut Vec<Pass>) {
        if bytes.is_empty() || self.muted {
            return;
        }
        let at_us = self.instant(now_us);
        match out.last_mut() {
            Some(Pass::Bytes {
                to,
                at_us: at,
                bytes: all,
            }) if *to == self.to && *at == at_us => all.extend_from_slice(bytes),
            _ => out.push(Pass::Bytes {
                to: self.to,
                at_us,
                bytes: bytes.to_vec(),
            }),
        }
    }

    /// Passes bytes on at an instant, or as soon after it as may be: when that is.
    pub(super) fn at(&mut self, bytes: Vec<u8>, at_us: u64, out: &mut Vec<Pass>) -> u64 {
        let at_us = self.instant(at_us);
        if !bytes.is_empty() && !self.muted {
            out.push(Pass::Bytes {
                to: self.to,
                at_us,
                bytes,
            });
        }
        at_us
    }

    /// The last instant at which something leaves.
    pub(super) const fn latest_us(&self) -> u64 {
        self.latest_us
    }

    /// Nothing that comes from now on leaves before this instant.
    pub(super) fn not_before(&mut self, at_us: u64) {
        self.floor_us = self.floor_us.max(at_us);
    }

    /// Nothing that comes from now on overtakes what was passed already.
    pub(super) fn settle(&mut self) {
        self.floor_us = self.floor_us.max(self.latest_us);
    }

    /// Passes the end on, behind everything.
    pub(super) fn end(&mut self, now_us: u64, out: &mut Vec<Pass>) {
        self.settle();
        let at_us = self.instant(now_us);
        if !self.muted {
            out.push(Pass::End { to: self.to, at_us });
        }
    }

    fn instant(&mut self, at_us: u64) -> u64 {
        let at_us = at_us.max(self.floor_us);
        self.latest_us = self.latest_us.max(at_us);
        at_us
    }
}
