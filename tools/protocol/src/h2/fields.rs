//! A decoded header list: names and values, one behind the other in one buffer that is used again for the next.

use super::{Broken, MAX_HEADER_LIST_BYTES};

/// A header list.
#[derive(Debug, Default)]
pub struct Fields {
    text: Vec<u8>,
    /// Where the name and the value of each end.
    ends: Vec<(usize, usize)>,
    list_bytes: usize,
}

impl Fields {
    /// Empties it for the next list.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.list_bytes = 0;
    }

    /// Adds a header.
    pub(super) fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), Broken> {
        self.list_bytes += name.len() + value.len() + 32;
        if self.list_bytes > MAX_HEADER_LIST_BYTES {
            return Err(Broken::HeadTooLarge(MAX_HEADER_LIST_BYTES));
        }
        self.text.extend_from_slice(name);
        let name_end = self.text.len();
        self.text.extend_from_slice(value);
        self.ends.push((name_end, self.text.len()));
        Ok(())
    }

    /// Names (in lower case, as they came) and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut begin = 0;
        self.ends.iter().map(move |&(name, value)| {
            let field = (&self.text[begin..name], &self.text[name..value]);
            begin = value;
            field
        })
    }
}
