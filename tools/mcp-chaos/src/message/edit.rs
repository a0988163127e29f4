//! Changes to the text of a message that leave all the rest of it as it stands.

use std::ops::Range;

/// The text with something else in place of a part of it.
pub(super) fn splice(text: &[u8], part: Range<usize>, new: &[u8]) -> Vec<u8> {
    [&text[..part.start], new, &text[part.end..]].concat()
}

/// A member in front of those that an object has already; `object` is where it lies in the text.
pub(super) fn with_member(text: &[u8], object: Range<usize>, member: &str) -> Vec<u8> {
    let behind = object.start + 1;
    let is_empty = text[behind..object.end - 1]
        .iter()
        .all(u8::is_ascii_whitespace);
    let comma = if is_empty { "" } else { "," };
    splice(text, behind..behind, format!("{member}{comma}").as_bytes())
}

/// A text as a string of JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
