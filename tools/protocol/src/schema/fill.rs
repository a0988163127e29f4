//! Fills the strings whose content is nobody's business with text, up to the payload asked for.

use serde_json::Value;

use super::build::Builder;

#[derive(Clone)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

/// A string whose content is nobody's business.
pub(super) struct Slot {
    pub(super) path: Vec<Step>,
    pub(super) room: usize,
    /// Not among the arguments so far.
    pub(super) optional: bool,
}

impl Builder<'_> {
    /// Lengthens strings, those that are there first, until the value is about `bytes` long as JSON.
    pub(super) fn fill(&mut self, mut value: Value, bytes: usize) -> Value {
        for slot in std::mem::take(&mut self.slots) {
            let missing = bytes.saturating_sub(value.to_string().len());
            if missing == 0 {
                break;
            }
            if slot.room == 0 {
                continue;
            }
            if slot.optional {
                if let (Some(members), Some(Step::Name(name))) =
                    (value.as_object_mut(), slot.path.first())
                {
                    // Four quotes and a colon come along, and a comma where there is a neighbour.
                    let around = name.len() + 5 + usize::from(!members.is_empty());
                    let length = missing.saturating_sub(around).clamp(1, slot.room);
                    members.insert(name.clone(), self.random.words(length).into());
                }
            } else if let Some(Value::String(text)) = at(&mut value, &slot.path) {
                let more = missing.min(slot.room.saturating_sub(text.len()));
                if more > 0 {
                    *text = self.random.words(text.len() + more);
                }
            }
        }
        value
    }
}

fn at<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(*index),
    })
}
