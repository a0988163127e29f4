//! A ledger: of each call of some clients, what became of it at the client, and how often a server executed it.

use protocol::outcome::Outcome;

/// Calls on a page: four bits each. Small, since thousands of clients have a page each for a few calls.
const PAGE_CALLS: u64 = 512;
const PAGE_BYTES: usize = PAGE_CALLS as usize / 2;
/// What a page takes besides its calls: its place in the list, and the allocator's own note.
const PAGE_COST: usize = PAGE_BYTES + 24;

/// What the client saw of a call that it sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// An answer that says that it was executed.
    Answered = 1,
    /// Anything else.
    Failed = 2,
}

impl Fate {
    const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Ok | Outcome::ToolError => Self::Answered,
            _ => Self::Failed,
        }
    }
}

/// The calls of a worker's clients.
#[derive(Debug)]
pub struct Ledger {
    clients: Vec<Pages>,
    /// Bytes that it may still grow by.
    room: usize,
    /// Calls that found no room.
    left_out: u64,
}

/// What a worker has noted.
#[derive(Debug)]
pub struct Noted {
    /// The clients' calls, by the clients' numbers.
    pub clients: Vec<(u32, Pages)>,
    /// Calls that found no room.
    pub left_out: u64,
}

/// The calls of one client by their indices. A client that joins late begins anywhere.
#[derive(Debug, Default)]
pub struct Pages(Vec<Option<Box<[u8; PAGE_BYTES]>>>);

impl Ledger {
    /// A ledger for so many clients that grows to `room` bytes at most.
    #[must_use]
    pub fn new(clients: usize, room: usize) -> Self {
        let mut pages = Vec::new();
        pages.resize_with(clients, Pages::default);
        Self {
            clients: pages,
            room,
            left_out: 0,
        }
    }

    /// Notes how the call `index` of the client at place `c` ended, which was handed to a connection.
    pub fn note(&mut self, c: usize, index: u64, outcome: Outcome) {
        let byte = match self.clients[c].existing(index) {
            Some(byte) => byte,
            None => match self.clients[c].grow(index, &mut self.room) {
                Some(byte) => byte,
                None => return self.left_out += 1,
            },
        };
        *byte |= (Fate::of(outcome) as u8) << shift(index);
    }

    /// What it holds, when the clients at its places have these numbers.
    #[must_use]
    pub fn of_clients(self, numbers: impl Iterator<Item = u32>) -> Noted {
        Noted {
            clients: numbers.zip(self.clients).collect(),
            left_out: self.left_out,
        }
    }
}

/// Where in its byte a call lies: two bits what became of it, two how often it was executed.
const fn shift(index: u64) -> u32 {
    (index % 2) as u32 * 4
}

impl Pages {
    fn existing(&mut self, index: u64) -> Option<&mut u8> {
        let page = self.0.get_mut((index / PAGE_CALLS) as usize)?.as_mut()?;
        Some(&mut page[(index % PAGE_CALLS / 2) as usize])
    }

    fn grow(&mut self, index: u64, room: &mut usize) -> Option<&mut u8> {
        let place = (index / PAGE_CALLS) as usize;
        let more = (place + 1).saturating_sub(self.0.len());
        let cost = more.saturating_mul(size_of::<usize>()) + PAGE_COST;
        *room = room.checked_sub(cost)?;
        self.0.extend((0..more).map(|_| None));
        let page = self.0[place].insert(Box::new([0; PAGE_BYTES]));
        Some(&mut page[(index % PAGE_CALLS / 2) as usize])
    }

    /// Notes that a server has executed the call with this index. Gives its fate and how often before; `None` where it was
    /// never sent.
    pub fn execute(&mut self, index: u64) -> Option<(Fate, u8)> {
        let shift = shift(index);
        let byte = self.existing(index)?;
        let (fate, before) = read(*byte >> shift)?;
        if before < 3 {
            *byte += 4 << shift;
        }
        Some((fate, before))
    }

    /// Each call that was sent: its index, its fate, and how often it was executed (3 stands for more).
    pub fn all(&self) -> impl Iterator<Item = (u64, Fate, u8)> {
        let pages = self.0.iter().enumerate();
        pages
            .filter_map(|(place, page)| Some((place as u64 * PAGE_CALLS, page.as_deref()?)))
            .flat_map(|(first, page)| {
                (0..PAGE_CALLS).filter_map(move |at| {
                    let (fate, times) = read(page[(at / 2) as usize] >> shift(at))?;
                    Some((first + at, fate, times))
                })
            })
    }
}

const fn read(bits: u8) -> Option<(Fate, u8)> {
    let times = bits >> 2 & 3;
    match bits & 3 {
        1 => Some((Fate::Answered, times)),
        2 => Some((Fate::Failed, times)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_found_again_wherever_its_index_lies() {
        let mut ledger = Ledger::new(2, 1 << 20);
        for index in [0, 1, 511, 512, 40_001] {
            ledger.note(1, index, Outcome::Ok);
        }
        ledger.note(1, 2, Outcome::Timeout);
        let mut noted = ledger.of_clients([6, 9].into_iter());
        assert_eq!(noted.left_out, 0);
        let (number, pages) = &mut noted.clients[1];
        assert_eq!(*number, 9);
        assert_eq!(pages.execute(1), Some((Fate::Answered, 0)));
        assert_eq!(pages.execute(1), Some((Fate::Answered, 1)));
        assert_eq!(pages.execute(2), Some((Fate::Failed, 0)));
        for never_sent in [3, 510, 1_024, 40_000, u64::MAX] {
            assert_eq!(pages.execute(never_sent), None);
        }
        for _ in 0..9 {
            pages.execute(40_001);
        }
        let all: Vec<_> = pages.all().collect();
        let (ok, failed) = (Fate::Answered, Fate::Failed);
        assert_eq!(
            all,
            [
                (0, ok, 0),
                (1, ok, 2),
                (2, failed, 1),
                (511, ok, 0),
                (512, ok, 0),
                (40_001, ok, 3)
            ]
        );
        assert_eq!(noted.clients[0].1.all().count(), 0);
    }

    #[test]
    fn a_ledger_grows_no_further_than_it_may_and_says_so() {
        let mut ledger = Ledger::new(1, 2 * (PAGE_COST + size_of::<usize>()));
        for index in 0..3 * PAGE_CALLS {
            ledger.note(0, index, Outcome::Ok);
        }
        ledger.note(0, u64::MAX, Outcome::Ok);
        let noted = ledger.of_clients([0].into_iter());
        assert_eq!(noted.clients[0].1.all().count() as u64, 2 * PAGE_CALLS);
        assert_eq!(noted.left_out, PAGE_CALLS + 1);
    }
}
