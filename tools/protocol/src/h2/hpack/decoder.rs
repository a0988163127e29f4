//! Header blocks of a server, decoded: its half of the compression, with the table that it builds here.

use super::statics::STATIC;
use super::{huffman, integer};
use crate::h2::{Broken, Fields, MAX_HEADER_LIST_BYTES};
use std::collections::VecDeque;

/// How much a server may keep here. It is what holds without a setting, so none has to be waited for.
const TABLE_BYTES: usize = 4_096;

/// Decodes the header blocks of one connection.
#[derive(Debug, Default)]
pub(in crate::h2) struct Decoder {
    /// The headers that were to be remembered, the latest first.
    table: VecDeque<(Vec<u8>, Vec<u8>)>,
    table_bytes: usize,
    /// What the server has set, below [`TABLE_BYTES`].
    limit_bytes: Option<usize>,
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    /// Decodes a whole block.
    ///
    /// # Errors
    /// When it is malformed, or decodes to more than [`MAX_HEADER_LIST_BYTES`]; nothing that follows can be decoded then.
    pub(in crate::h2) fn decode(
        &mut self,
        block: &[u8],
        fields: &mut Fields,
    ) -> Result<(), Broken> {
        fields.clear();
        let mut at = 0;
        let mut begun = false;
        while let Some(&first) = block.get(at) {
            if first & 0xe0 == 0x20 {
                if begun {
                    return Err(Broken::BadBlock("a table size that does not come first"));
                }
                let size = integer::read(block, &mut at, 5)?;
                if size > TABLE_BYTES {
                    return Err(Broken::BadBlock("a table size beyond the setting"));
                }
                self.limit_bytes = Some(size);
                self.evict(size);
                continue;
            }
            begun = true;
            if first & 0x80 != 0 {
                let index = integer::read(block, &mut at, 7)?;
                let (name, value) = self.entry(index)?;
                fields.push(name, value)?;
                continue;
            }
            let is_kept = first & 0x40 != 0;
            let index = integer::read(block, &mut at, if is_kept { 6 } else { 4 })?;
            let mut name = std::mem::take(&mut self.name);
            name.clear();
            if index == 0 {
                text(block, &mut at, &mut name)?;
            } else {
                name.extend_from_slice(self.entry(index)?.0);
            }
            self.value.clear();
            text(block, &mut at, &mut self.value)?;
            self.name = name;
            fields.push(&self.name, &self.value)?;
            if is_kept {
                self.keep();
            }
        }
        Ok(())
    }

    fn entry(&self, index: usize) -> Result<(&[u8], &[u8]), Broken> {
        if let Some((name, value)) = index.checked_sub(1).and_then(|i| STATIC.get(i)) {
            return Ok((name.as_bytes(), value.as_bytes()));
        }
        let place = index.checked_sub(STATIC.len() + 1);
        let entry = place.and_then(|place| self.table.get(place));
        entry
            .map(|(name, value)| (&name[..], &value[..]))
            .ok_or(Broken::BadBlock("an index that belongs to no header"))
    }

    /// Remembers the header that was read last.
    fn keep(&mut self) {
        let bytes = self.name.len() + self.value.len() + 32;
        let limit = self.limit_bytes.unwrap_or(TABLE_BYTES);
        self.evict(limit.saturating_sub(bytes));
        // One that is larger than the table just empties it.
        if bytes <= limit {
            self.table
                .push_front((self.name.clone(), self.value.clone()));
            self.table_bytes += bytes;
        }
    }

    fn evict(&mut self, to_bytes: usize) {
        while self.table_bytes > to_bytes
            && let Some((name, value)) = self.table.pop_back()
        {
            self.table_bytes -= name.len() + value.len() + 32;
        }
    }
}

/// Reads a text, plain or in Huffman's code.
fn text(block: &[u8], at: &mut usize, out: &mut Vec<u8>) -> Result<(), Broken> {
    let is_huffman = block.get(*at).is_some_and(|byte| byte & 0x80 != 0);
    let length = integer::read(block, at, 7)?;
    let bytes = block
        .get(*at..*at + length)
        .ok_or(Broken::BadBlock("it ends in the middle of a text"))?;
    *at += length;
    if is_huffman {
        huffman::decode(bytes, out, MAX_HEADER_LIST_BYTES)
    } else {
        out.extend_from_slice(bytes);
        Ok(())
    }
}
