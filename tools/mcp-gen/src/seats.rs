//! Who lives where: clients are spread evenly over the targets, and when those change, as few as possible move.

use crate::dice;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The homes of all clients, or, where connections are shared, of those who have one; by number.
#[derive(Debug)]
pub struct Seats {
    /// Where each lived first.
    first: Arc<Vec<u16>>,
    /// Where each lives now.
    now: Arc<Vec<u16>>,
    seed: u64,
}

impl Seats {
    /// Spreads so many clients over the targets that are `live`.
    #[must_use]
    pub fn new(clients: usize, live: &[u16], seed: u64) -> Self {
        let home = |i: usize| live.get(i % live.len().max(1)).copied().unwrap_or(0);
        let first: Arc<Vec<u16>> = Arc::new((0..clients).map(home).collect());
        let now = Arc::clone(&first);
        Self { first, now, seed }
    }

    /// Where each lives.
    #[must_use]
    pub fn now(&self) -> Arc<Vec<u16>> {
        Arc::clone(&self.now)
    }

    /// Spreads them over other targets: who can stay does, who must go goes back to where it lived first if there is
    /// room, else to where there are fewest. Nobody moves where nothing is live.
    pub fn rearrange(&mut self, live: &[u16]) {
        let Some(highest) = live.iter().max() else {
            return;
        };
        let mut room = Room::new(self.now.len(), live, *highest);
        let mut order: Vec<usize> = (0..self.now.len()).collect();
        // Guests go before those who live where they began. Which of them is for the dice: by number, all that a stage
        // brings later would go.
        order.sort_by_cached_key(|&i| {
            let is_guest = self.now[i] != self.first[i];
            (is_guest, dice::throw(self.seed, i as u64 | 4 << 40, 0))
        });
        let mut now = self.now.to_vec();
        order.retain(|&i| !room.take(self.now[i]));
        order.retain(|&i| {
            let is_back = room.take(self.first[i]);
            if is_back {
                now[i] = self.first[i];
            }
            !is_back
        });
        let mut fewest: BinaryHeap<_> = live
            .iter()
            .map(|&home| Reverse((room.taken[usize::from(home)], home)))
            .collect();
        for i in order {
            let Some(mut top) = fewest.peek_mut() else {
                break;
            };
            now[i] = top.0.1;
            top.0.0 += 1;
        }
        self.now = Arc::new(now);
    }
}

/// How many each target may still have.
struct Room {
    /// How many each has; `usize::MAX` where it is not live.
    taken: Vec<usize>,
    /// Each may have so many.
    each: usize,
    /// So many may have one more.
    more: usize,
}

impl Room {
    fn new(clients: usize, live: &[u16], highest: u16) -> Self {
        let mut taken = vec![usize::MAX; usize::from(highest) + 1];
        for &home in live {
            taken[usize::from(home)] = 0;
        }
        Self {
            taken,
            each: clients / live.len(),
            more: clients % live.len(),
        }
    }

    fn take(&mut self, home: u16) -> bool {
        let Some(taken) = self.taken.get_mut(usize::from(home)) else {
            return false;
        };
        let is_more = *taken == self.each;
        if *taken > self.each || (is_more && self.more == 0) {
            return false;
        }
        self.more -= usize::from(is_more);
        *taken += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(before: &[u16], after: &[u16]) -> Vec<(u16, u16)> {
        let pairs = before.iter().copied().zip(after.iter().copied());
        pairs.filter(|(a, b)| a != b).collect()
    }

    fn counts(seats: &Seats, homes: usize) -> Vec<usize> {
        let mut counts = vec![0; homes];
        seats
            .now()
            .iter()
            .for_each(|&h| counts[usize::from(h)] += 1);
        counts
    }

    #[test]
    fn only_the_clients_of_a_target_that_is_gone_move_evenly_and_they_come_back() {
        let mut seats = Seats::new(20, &[0, 1, 2, 3, 4], 7);
        let before = seats.now();
        seats.rearrange(&[0, 2, 3, 4]);
        let without = moved(&before, &seats.now());
        assert!(without.iter().all(|(from, _)| *from == 1), "{without:?}");
        assert_eq!(counts(&seats, 5), [5, 0, 5, 5, 5]);
        seats.rearrange(&[]);
        seats.rearrange(&[0, 1, 2, 3, 4]);
        assert_eq!(seats.now(), before);
    }

    #[test]
    fn a_new_target_gets_its_share_and_nobody_moves_between_the_others() {
        let mut seats = Seats::new(21, &[0, 1, 2], 7);
        let before = seats.now();
        seats.rearrange(&[0, 1, 2, 3]);
        let gone = moved(&before, &seats.now());
        assert!(gone.iter().all(|(_, to)| *to == 3), "{gone:?}");
        let mut sorted = counts(&seats, 4);
        sorted.sort_unstable();
        assert_eq!(sorted, [5, 5, 5, 6]);
    }

    #[test]
    fn each_change_leaves_all_on_live_targets_and_the_loads_alike() {
        let mut seats = Seats::new(23, &[0], 3);
        for live in [
            &[0, 1, 2, 3][..],
            &[3],
            &[1, 2],
            &[0, 1, 2, 3, 4, 5],
            &[5, 0],
        ] {
            seats.rearrange(live);
            let counts = counts(&seats, 6);
            let of_live: Vec<usize> = live.iter().map(|&h| counts[usize::from(h)]).collect();
            assert_eq!(of_live.iter().sum::<usize>(), 23, "{live:?}: {counts:?}");
            let spread = of_live.iter().max().unwrap() - of_live.iter().min().unwrap();
            assert!(spread <= 1, "{live:?}: {counts:?}");
        }
    }
}
