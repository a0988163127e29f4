//! Our requests' headers, encoded. What a request has in common with the one before it is copied.
//!
//! Headers are remembered at the server (RFC 7541, 2.3.2) as long as its table has room, and none is ever evicted: a
//! client's requests hardly differ, so that after the first each header is one byte, but for the length and what the
//! body makes of itself.

use super::integer;
use super::statics::STATIC;
use crate::h2::request::{RequestError, header, host, method_and_path};

/// How much we want to be remembered of what we send, where the server offers more.
const TABLE_BYTES: usize = 4_096;
/// One header takes this at most, so that a long token leaves room for the others.
const MAX_ENTRY_BYTES: usize = 2_048;

/// Encodes the headers of one connection's requests.
#[derive(Debug)]
pub(in crate::h2) struct Encoder {
    scheme: &'static str,
    /// What the server remembers, the oldest first.
    table: Vec<(Vec<u8>, Vec<u8>)>,
    table_bytes: usize,
    limit_bytes: usize,
    /// The server's table has shrunk, and must be told that we know.
    resized: bool,
    /// The last request's lines, where nothing new was to be remembered in it, its block, and where in both lines end.
    last_head: Vec<u8>,
    last_block: Vec<u8>,
    last_ends: Vec<(usize, usize)>,
    name: Vec<u8>,
}

impl Encoder {
    /// For a connection with or without TLS.
    pub(in crate::h2) fn new(is_tls: bool) -> Self {
        Self {
            scheme: if is_tls { "https" } else { "http" },
            table: Vec::new(),
            table_bytes: 0,
            limit_bytes: TABLE_BYTES,
            resized: false,
            last_head: Vec::new(),
            last_block: Vec::new(),
            last_ends: Vec::new(),
            name: Vec::new(),
        }
    }

    /// The server remembers no more than this from now on.
    pub(in crate::h2) fn resize(&mut self, bytes: u32) {
        let limit = TABLE_BYTES.min(bytes as usize);
        if limit != self.limit_bytes {
            self.limit_bytes = limit;
            self.resized = true;
            self.table.clear();
            self.table_bytes = 0;
        }
    }

    /// The block of a request whose lines are `head`; it stands until the next call.
    ///
    /// # Errors
    /// [`RequestError::NoHead`] where the first is no request line.
    pub(in crate::h2) fn encode(&mut self, head: &[u8]) -> Result<&[u8], RequestError> {
        let (mut at, kept_block) = if self.resized {
            (0, 0)
        } else {
            self.in_common(head)
        };
        self.last_block.truncate(kept_block);
        self.last_ends.retain(|&(line, _)| line <= at);
        if std::mem::take(&mut self.resized) {
            // Emptied, then as large as it may be.
            integer::write(&mut self.last_block, 0x20, 5, 0);
            integer::write(&mut self.last_block, 0x20, 5, self.limit_bytes);
        }
        let mut is_stable = kept_block > 0 || self.last_block.is_empty();
        if at == 0 {
            let (line, end) = line(head, 0);
            let (method, path) = method_and_path(line)?;
            let authority = host(&head[end..]).unwrap_or_default();
            is_stable &= self.field(b":method", method);
            is_stable &= self.field(b":scheme", self.scheme.as_bytes());
            is_stable &= self.field(b":authority", authority);
            is_stable &= self.field(b":path", path);
            at = end;
            // Host decides what stands here, so that where it is not the next line nothing can be copied.
            let (next, next_end) = self::line(head, at);
            if next
                .get(..5)
                .is_some_and(|n| n.eq_ignore_ascii_case(b"host:"))
            {
                at = next_end;
                self.last_ends.push((at, self.last_block.len()));
            } else {
                is_stable = false;
            }
        }
        while at < head.len() {
            let (line, end) = line(head, at);
            if let Some((name, value)) = header(line) {
                is_stable &= self.field(name, value);
            }
            at = end;
            self.last_ends.push((at, self.last_block.len()));
        }
        self.last_head.clear();
        if is_stable {
            self.last_head.extend_from_slice(head);
        } else {
            self.last_ends.clear();
        }
        Ok(&self.last_block)
    }

    /// How far a head and its block are those of the request before, in whole lines.
    fn in_common(&self, head: &[u8]) -> (usize, usize) {
        let alike = |end: usize| head.get(..end) == self.last_head.get(..end);
        // From the end: most often it is but the last line that differs.
        let mut ends = self.last_ends.iter().rev();
        ends.find(|(line, _)| alike(*line))
            .copied()
            .unwrap_or_default()
    }

    /// Appends a header; false where it is one to be remembered, so that next time it is written otherwise.
    fn field(&mut self, name: &[u8], value: &[u8]) -> bool {
        let out = &mut self.last_block;
        if name.eq_ignore_ascii_case(b"content-length") {
            integer::write(out, 0, 4, 28);
            text(out, value);
            return true;
        }
        self.name.clear();
        self.name.extend(name.iter().map(u8::to_ascii_lowercase));
        let mut name_index = 0;
        let count = self.table.len();
        for (place, (known, known_value)) in self.table.iter().enumerate() {
            if *known == self.name {
                name_index = STATIC.len() + count - place;
                if known_value == value {
                    integer::write(out, 0x80, 7, name_index);
                    return true;
                }
            }
        }
        for (place, (known, known_value)) in STATIC.iter().enumerate() {
            if known.as_bytes() == self.name {
                if known_value.as_bytes() == value && !value.is_empty() {
                    integer::write(out, 0x80, 7, place + 1);
                    return true;
                }
                if name_index == 0 {
                    name_index = place + 1;
                }
            }
        }
        let bytes = name.len() + value.len() + 32;
        let is_kept = bytes <= MAX_ENTRY_BYTES && self.table_bytes + bytes <= self.limit_bytes;
        if is_kept {
            integer::write(out, 0x40, 6, name_index);
        } else {
            integer::write(out, 0, 4, name_index);
        }
        if name_index == 0 {
            text(out, &self.name);
        }
        text(out, value);
        if is_kept {
            self.table.push((self.name.clone(), value.to_vec()));
            self.table_bytes += bytes;
        }
        !is_kept
    }
}

/// The line that begins at a place, and where the next one does.
fn line(head: &[u8], from: usize) -> (&[u8], usize) {
    let rest = &head[from..];
    match memchr::memchr(b'\n', rest) {
        Some(end) => (rest[..end].trim_ascii_end(), from + end + 1),
        None => (rest, head.len()),
    }
}

fn text(out: &mut Vec<u8>, text: &[u8]) {
    integer::write(out, 0, 7, text.len());
    out.extend_from_slice(text);
}
