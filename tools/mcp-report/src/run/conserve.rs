//! Whether the books balance: every scheduled call has an outcome, and the intervals add up to the summaries.

use super::figures::{Counts, Figures};
use super::key::Key;
use super::{Generator, Run};

/// What was checked.
#[derive(Default)]
pub struct Checked {
    /// Rows compared.
    pub rows: u64,
    /// What does not balance, a sentence each.
    pub mismatches: Vec<String>,
}

impl Run {
    /// Checks the rows of every generator that wrote its final summary; of the others it is known to be torn.
    pub fn check(&self) -> Checked {
        let mut checked = Checked::default();
        for (from, generator) in &self.generators {
            if generator.last.is_some() {
                check(from, generator, &mut checked);
            }
        }
        if self.rows_left_out > 0 {
            checked.mismatches.push(format!(
                "{} records were left out, since there are too many combinations of stage, profile, method and tool",
                self.rows_left_out
            ));
        }
        checked
    }
}

fn check(from: &str, generator: &Generator, checked: &mut Checked) {
    let mut total = Counts::default();
    for (key, summary) in &generator.summaries {
        checked.rows += 1;
        total.add(&summary.counts);
        let wrong = unbalanced(summary).or_else(|| {
            let none = Figures::default();
            differs(summary, generator.intervals.get(key).unwrap_or(&none))
        });
        if let Some(wrong) = wrong {
            checked
                .mismatches
                .push(format!("{from}, {}: {wrong}", name(key)));
        }
    }
    for key in generator.intervals.keys() {
        if !generator.summaries.contains_key(key) {
            let name = name(key);
            let text = format!("{from}, {name}: there are intervals, but no summary");
            checked.mismatches.push(text);
        }
    }
    if let Some(last) = &generator.last
        && (last.scheduled, last.ok) != (total.scheduled, total.ok)
    {
        checked.mismatches.push(format!(
            "{from}: the final summary counts {} calls, {} ok, the others {} and {}",
            last.scheduled, last.ok, total.scheduled, total.ok
        ));
    }
}

/// What is wrong within a summary.
fn unbalanced(summary: &Figures) -> Option<String> {
    let counts = &summary.counts;
    if counts.scheduled != counts.outcomes() {
        return Some(format!(
            "{} calls were scheduled and {} came to an end",
            counts.scheduled,
            counts.outcomes()
        ));
    }
    let held = summary.response.count();
    (held != counts.ok)
        .then(|| format!("{} calls were ok and the histogram holds {held}", counts.ok))
}

/// In what a summary differs from the sum of its intervals.
fn differs(summary: &Figures, sum: &Figures) -> Option<String> {
    let (a, b) = (&summary.counts, &sum.counts);
    for (what, a, b) in [
        ("scheduled", a.scheduled, b.scheduled),
        ("sent", a.sent, b.sent),
        ("ok", a.ok, b.ok),
        ("ok_in_stage", a.ok_in_stage, b.ok_in_stage),
    ] {
        if a != b {
            return Some(format!(
                "the summary has {what} {a}, the intervals add up to {b}"
            ));
        }
    }
    if a.errors != b.errors {
        return Some("the errors of the summary are not those of the intervals".to_owned());
    }
    for (what, a, b) in [
        ("response", &summary.response, &sum.response),
        ("service", &summary.service, &sum.service),
    ] {
        // Equal counts in every bucket, not just equally many.
        if a.with_hdr() != b.with_hdr() {
            return Some(format!(
                "the {what} histograms of the intervals do not add up to the summary's"
            ));
        }
    }
    None
}

fn name(key: &Key) -> String {
    let tool = key
        .tool
        .as_ref()
        .map(|t| format!(" {t}"))
        .unwrap_or_default();
    format!("{} {}{tool}", key.stage, key.method)
}
