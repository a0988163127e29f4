//! Going on: the main thread has planned other stages, for a search, a pause or another rate.

use super::worker::Worker;
use crate::course::Course;
use crate::pacer::Pacer;
use crate::stages::Stages;
use crate::steer;
use std::cmp::Reverse;
use std::sync::Arc;

impl Worker {
    /// Goes on with other stages from a moment on. Each client's next call is noted anew: what was to be due from there
    /// on is another one, or none.
    pub(super) fn go_on(&mut self, stages: Arc<Stages>, course: &Arc<Course>) {
        if self.interrupted {
            return;
        }
        let begins_ns = first_difference(&self.stages, &stages);
        if self.taken_until_ns >= begins_ns {
            // We stood still for longer than the notice, and calls have come due that are none. When those that wait
            // were due could not be told from their number any more.
            self.give_up_waiting(self.taken_until_ns);
            self.tell(
                "late_order",
                "a worker heard too late of other stages: some of its calls were due in the ones before, and those that waited were given up".to_owned(),
                Some("raise --threads, or give the generator cores of its own"),
            );
        }
        self.restage(stages);
        self.load_end_ns = self.stages.load_end_ns();
        self.give_up_ns = self.load_end_ns + self.plan.groups.longest_timeout_ns();
        if self.plan.pacer == Pacer::Answers {
            return self.pause_users();
        }
        self.due.clear();
        for (c, client) in self.clients.iter_mut().enumerate() {
            let index = client.next_due;
            if let Some(schedule) = &mut client.schedule {
                schedule.set_course(Arc::clone(course));
                let next = schedule.due_ns(index);
                if client.joined && next < self.load_end_ns {
                    self.due.push(Reverse((next, c)));
                }
            }
        }
    }

    /// Users of the closed model go on thinking in a pause, and then wait for its end.
    fn pause_users(&mut self) {
        let stages = self.stages.all();
        let pause = stages.iter().rev().find(|s| steer::is_pause(s));
        self.pause_ns = pause.map_or(0..0, |s| s.start_ns..s.end_ns);
        if (1..=self.interval_start_ns).contains(&self.pause_ns.end) {
            // Its end is over already, and no interval will end there.
            self.wake_users(self.interval_start_ns);
        }
    }

    /// A pause is over: who is done thinking calls.
    pub(super) fn wake_users(&mut self, now: u64) {
        if self.plan.pacer == Pacer::Answers {
            for c in 0..self.clients.len() {
                self.fill(c, now, now);
            }
        }
    }
}

/// When two lists of stages begin to differ.
fn first_difference(old: &Stages, new: &Stages) -> u64 {
    let pairs = old.all().iter().zip(new.all());
    pairs
        .filter(|(old, new)| old != new)
        .map(
            |(old, new)| match old.start_ns == new.start_ns && old.name == new.name {
                true => old.end_ns.min(new.end_ns),
                false => old.start_ns.min(new.start_ns),
            },
        )
        .next()
        .unwrap_or(u64::MAX)
}
