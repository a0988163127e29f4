//! All connections, each in a place of its own, which epoll knows it by.

use super::link::Link;

/// The connections.
#[derive(Default)]
pub struct Links {
    all: Vec<Option<Link>>,
    free: Vec<usize>,
    /// Places that were left in this round: epoll may still speak of who was there.
    left: Vec<usize>,
    count: usize,
}

impl Links {
    /// The place that the next one gets.
    pub fn next_slot(&self) -> usize {
        self.free.last().copied().unwrap_or(self.all.len())
    }

    /// Takes one in, at [`Self::next_slot`].
    pub fn put(&mut self, link: Link) {
        self.count += 1;
        match self.free.pop() {
            Some(slot) => self.all[slot] = Some(link),
            None => self.all.push(Some(link)),
        }
    }

    /// The one at a place.
    pub fn get(&mut self, slot: usize) -> Option<&mut Link> {
        self.all.get_mut(slot)?.as_mut()
    }

    /// Takes one out.
    pub fn take(&mut self, slot: usize) -> Option<Link> {
        let link = self.all.get_mut(slot)?.take()?;
        self.left.push(slot);
        self.count -= 1;
        Some(link)
    }

    /// The round is over: places that were left may be had again.
    pub fn settle(&mut self) {
        self.free.append(&mut self.left);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The places of those of one proxy.
    pub fn of(&self, gate: usize) -> Vec<usize> {
        let is_its = |link: &Option<Link>| link.as_ref().is_some_and(|l| l.gate == gate);
        (0..self.all.len())
            .filter(|&slot| is_its(&self.all[slot]))
            .collect()
    }
}
