//! When each act of one kind is due: an instant of its own, a function of (seed, profile, kind, index).

use super::kind::Kind;
use crate::course::Course;
use crate::groups::Groups;
use crate::pacer::Arrivals;
use crate::plan::Plan;
use crate::schedule::Schedule;
use std::sync::Arc;

/// Tells the dice of abuse from those of the load.
const SALT: u64 = 0x00ab_05ed;

/// The acts of one kind for one profile.
pub struct Timetable {
    /// The profile, by its group.
    pub group: u16,
    /// What is done.
    pub kind: Kind,
    schedule: Schedule,
    /// The act that is due next.
    pub index: u64,
    /// When.
    pub next_ns: u64,
}

/// One for each kind that a profile wants.
pub fn all(plan: &Plan, groups: &Groups, skip: &[Kind]) -> Vec<Timetable> {
    let kinds = Kind::ALL.len() as u32;
    let mut all = Vec::new();
    for (g, group) in groups.all().iter().enumerate() {
        for (k, kind) in Kind::ALL.into_iter().enumerate() {
            let share = group.abuse.of(kind) * group.share;
            if share <= 0.0 || skip.contains(&kind) {
                continue;
            }
            let course = Arc::clone(&plan.course);
            let (seed, spread) = (plan.seed ^ SALT ^ (g as u64) << 32, Arrivals::Constant);
            let mut schedule = Schedule::new(course, share, spread, k as u32, kinds, seed);
            all.push(Timetable {
                group: g as u16,
                kind,
                next_ns: schedule.due_ns(0),
                schedule,
                index: 0,
            });
        }
    }
    all
}

impl Timetable {
    /// Goes on to the next act.
    pub fn advance(&mut self) {
        self.index += 1;
        self.next_ns = self.schedule.due_ns(self.index);
    }

    /// There are more stages than there were.
    pub fn set_course(&mut self, course: Arc<Course>) {
        self.schedule.set_course(course);
        self.next_ns = self.schedule.due_ns(self.index);
    }
}
