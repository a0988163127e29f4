//! Writes what acts came to, as the pen has room, and keeps the totals.

use record::Pen;
use record::kind::{Abuse, AbuseCount};
use std::collections::BTreeMap;

/// The main thread's book of abuse.
#[derive(Default)]
pub struct Ledger {
    totals: BTreeMap<String, AbuseCount>,
    /// Rows that the pen had no room for; they grow until it has.
    unwritten: BTreeMap<[String; 4], Abuse>,
}

impl Ledger {
    /// Takes in the rows of an interval, and writes what there is room for.
    pub fn take(&mut self, rows: Vec<Abuse>, pen: &Pen) {
        for row in rows {
            let total = self.totals.entry(row.kind.clone()).or_default();
            total.add(&row.count);
            let key = [&row.stage, &row.profile, &row.target, &row.kind].map(Clone::clone);
            match self.unwritten.get_mut(&key) {
                None => drop(self.unwritten.insert(key, row)),
                Some(sum) => {
                    sum.count.add(&row.count);
                    sum.span_us = row.start_us + row.span_us - sum.start_us;
                    sum.running = row.running;
                }
            }
        }
        while let Some(entry) = self.unwritten.first_entry() {
            if pen.offer(entry.get().clone()).is_err() {
                return;
            }
            entry.remove();
        }
    }

    /// Writes what is left, and gives the totals; `None` where nothing was ever due.
    pub fn finish(&mut self, pen: &Pen) -> Option<BTreeMap<String, AbuseCount>> {
        for (_, row) in std::mem::take(&mut self.unwritten) {
            pen.write(row);
        }
        let totals = std::mem::take(&mut self.totals);
        (!totals.is_empty()).then_some(totals)
    }
}
