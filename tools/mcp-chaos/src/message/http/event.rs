//! One server-sent event: its data, and the same event with other data.

use std::borrow::Cow;

/// An event as it lies in the stream, with its blank line.
#[derive(Debug)]
pub(in super::super) struct Event<'a> {
    raw: &'a [u8],
    /// Its type, where it is not `message`.
    pub(in super::super) kind: Option<&'a [u8]>,
    /// All lines of data, joined by LF; empty where it carries none.
    pub(in super::super) data: Cow<'a, [u8]>,
}

impl<'a> Event<'a> {
    pub(in super::super) fn read(raw: &'a [u8]) -> Self {
        let mut event = Event {
            raw,
            kind: None,
            data: Cow::Borrowed(&raw[..0]),
        };
        let mut has_data = false;
        for line in lines(raw) {
            match field(line) {
                (b"event", kind) => event.kind = Some(kind).filter(|kind| *kind != b"message"),
                (b"data", value) if has_data => {
                    let data = event.data.to_mut();
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                (b"data", value) => {
                    has_data = true;
                    event.data = Cow::Borrowed(value);
                }
                _ => {}
            }
        }
        event
    }

    /// The same event with other data: its other lines stay where they are.
    pub(in super::super) fn with(&self, data: &[u8]) -> Vec<u8> {
        let mut new = Vec::with_capacity(self.raw.len() + data.len());
        let mut is_first = true;
        let mut rest = self.raw;
        while !rest.is_empty() {
            let (line, end) = split_line(rest);
            let (text, behind) = (&rest[..line], &rest[line..end]);
            rest = &rest[end..];
            if field(text).0 != b"data" {
                new.extend_from_slice(text);
                new.extend_from_slice(behind);
            } else if std::mem::take(&mut is_first) {
                for part in data.split(|&byte| byte == b'\n') {
                    new.extend_from_slice(b"data: ");
                    new.extend_from_slice(part);
                    new.extend_from_slice(behind);
                }
            }
        }
        new
    }
}

/// The length of the first line without its end, and with it.
fn split_line(text: &[u8]) -> (usize, usize) {
    match memchr::memchr2(b'\r', b'\n', text) {
        None => (text.len(), text.len()),
        Some(at) if text[at..].starts_with(b"\r\n") => (at, at + 2),
        Some(at) => (at, at + 1),
    }
}

fn lines(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (line, end) = split_line(text);
        let found = (!text.is_empty()).then(|| &text[..line]);
        text = &text[end..];
        found
    })
}

/// A line's field and value; one space behind the colon belongs to the syntax.
fn field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b':', line) {
        None => (line, b""),
        Some(at) => {
            let value = &line[at + 1..];
            (&line[..at], value.strip_prefix(b" ").unwrap_or(value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_data_leaves_the_other_lines_as_they_are() {
        let event = Event::read(b"id: 7\r\ndata: {\r\ndata: }\r\nretry:5\r\n\r\n");
        assert_eq!(&*event.data, b"{\n}");
        assert_eq!(event.with(b"[]"), b"id: 7\r\ndata: []\r\nretry:5\r\n\r\n");
        assert_eq!(
            event.with(b"{\n}"),
            b"id: 7\r\ndata: {\r\ndata: }\r\nretry:5\r\n\r\n"
        );
        assert_eq!(event.kind, None);
        let named = Event::read(b"event: endpoint\ndata: /messages?id=1\n\n");
        assert_eq!(named.kind, Some(&b"endpoint"[..]));
        assert_eq!(&*named.data, b"/messages?id=1");
    }
}
