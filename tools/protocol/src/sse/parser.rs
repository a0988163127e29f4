//! The parser: lines into fields, fields into events, without copying what lies whole in the input.

use std::ops::Range;

use memchr::memchr2;

use super::{Broken, DEFAULT_KIND, Event, Limits};

/// Where the data of the event under way is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Data {
    None,
    /// One line, whole in the present input: the common case, which copies nothing.
    Input(Range<usize>),
    /// In `Parser::data`: several lines, or a line that began in an earlier input.
    Kept,
}

/// Reads one event stream.
#[derive(Debug)]
pub struct Parser {
    limits: Limits,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    data: Vec<u8>,
    at: Data,
    kind: String,
    last_id: String,
    retry_ms: Option<u64>,
    /// The line before ended in CR: an LF that follows belongs to that end.
    after_cr: bool,
    first_line: bool,
    /// The last call gave an event, whose data and kind still lie here.
    given: bool,
}

impl Parser {
    /// A parser at the beginning of a stream.
    pub fn new(limits: Limits) -> Parser {
        Parser {
            limits,
            line: Vec::new(),
            data: Vec::new(),
            at: Data::None,
            kind: String::new(),
            last_id: String::new(),
            retry_ms: None,
            after_cr: false,
            first_line: true,
            given: false,
        }
    }

    /// Starts over at the beginning of another stream; memory is kept.
    pub fn reset(&mut self) {
        self.line.clear();
        self.data.clear();
        self.at = Data::None;
        self.kind.clear();
        self.last_id.clear();
        self.retry_ms = None;
        self.after_cr = false;
        self.first_line = true;
        self.given = false;
    }

    /// The last `id` seen, for `Last-Event-ID`; empty where there was none.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The last `retry` seen: how long to wait before the stream is opened again, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes bytes from `input[*at..]`, advances `*at`, and gives the next event, or `None` when all
    /// input is taken. An event is given at its blank line; what the end of a stream cuts off is lost,
    /// as the standard wants.
    ///
    /// # Errors
    /// When a line or an event exceeds its limit; the parser is of no use afterwards.
    pub fn next<'s>(
        &'s mut self,
        input: &'s [u8],
        at: &mut usize,
    ) -> Result<Option<Event<'s>>, Broken> {
        let found = self.step(input, at)?;
        Ok(found.map(|data| self.event(input, data)))
    }

    /// The event that [`Parser::step`] has found last.
    pub(crate) fn event<'s>(&'s self, input: &'s [u8], data: Data) -> Event<'s> {
        Event {
            kind: match self.kind.as_str() {
                "" => DEFAULT_KIND,
                kind => kind,
            },
            data: match data {
                Data::Input(range) => &input[range],
                Data::Kept | Data::None => &self.data,
            },
        }
    }

    /// As [`Parser::next`], but says only where the data is: a loop cannot hand out borrows.
    pub(crate) fn step(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Data>, Broken> {
        // What the last call gave out is read by now.
        if std::mem::take(&mut self.given) {
            self.data.clear();
            self.kind.clear();
        }
        while *at < input.len() {
            if std::mem::take(&mut self.after_cr) && input[*at] == b'\n' {
                *at += 1;
                continue;
            }
            let rest = &input[*at..];
            let Some(length) = memchr2(b'\r', b'\n', rest) else {
                self.keep_line(rest)?;
                *at = input.len();
                break;
            };
            self.after_cr = rest[length] == b'\r';
            let range = *at..*at + length;
            *at = range.end + 1;
            if let Some(data) = self.line(input, range)? {
                return Ok(Some(data));
            }
        }
        // The caller may reuse the input's memory.
        if let Data::Input(range) = self.at.clone() {
            self.data.clear();
            self.data.extend_from_slice(&input[range]);
            self.at = Data::Kept;
        }
        Ok(None)
    }

    fn keep_line(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.line.len() + bytes.len() > self.limits.line_bytes {
            return Err(Broken::LineTooLong(self.limits.line_bytes));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// A whole line: `input[range]`, or what was kept of earlier inputs and `input[range]`.
    fn line(&mut self, input: &[u8], range: Range<usize>) -> Result<Option<Data>, Broken> {
        if self.line.is_empty() {
            if range.len() > self.limits.line_bytes {
                return Err(Broken::LineTooLong(self.limits.line_bytes));
            }
            return self.whole_line(input, range, true);
        }
        self.keep_line(&input[range])?;
        let line = std::mem::take(&mut self.line);
        let found = self.whole_line(&line, 0..line.len(), false);
        self.line = line;
        self.line.clear();
        found
    }

    fn whole_line(
        &mut self,
        text: &[u8],
        mut range: Range<usize>,
        in_input: bool,
    ) -> Result<Option<Data>, Broken> {
        if std::mem::take(&mut self.first_line) && text[range.clone()].starts_with(b"\xEF\xBB\xBF")
        {
            range.start += 3;
        }
        if range.is_empty() {
            return Ok(self.dispatch());
        }
        let line = &text[range.clone()];
        let colon = memchr::memchr(b':', line);
        let name = &line[..colon.unwrap_or(line.len())];
        let value = match colon {
            None => range.end..range.end,
            Some(colon) => {
                let start = range.start + colon + 1;
                // One space behind the colon is part of the syntax, a second one of the value.
                start + usize::from(text[start..range.end].first() == Some(&b' '))..range.end
            }
        };
        match name {
            b"data" => self.add_data(text, value, in_input)?,
            b"event" => {
                self.kind.clear();
                self.kind.push_str(&String::from_utf8_lossy(&text[value]));
            }
            b"id" if !text[value.clone()].contains(&0) => {
                self.last_id.clear();
                self.last_id
                    .push_str(&String::from_utf8_lossy(&text[value]));
            }
            b"retry" => {
                let digits = &text[value];
                if digits.iter().all(u8::is_ascii_digit) {
                    let parsed = str::from_utf8(digits)
                        .ok()
                        .and_then(|text| text.parse().ok());
                    self.retry_ms = parsed.or(self.retry_ms);
                }
            }
            // Comments (an empty name) and fields of the future.
            _ => {}
        }
        Ok(None)
    }

    fn add_data(&mut self, text: &[u8], value: Range<usize>, in_input: bool) -> Result<(), Broken> {
        let held = match &self.at {
            Data::None => 0,
            Data::Input(range) => range.len() + 1,
            Data::Kept => self.data.len() + 1,
        };
        if held + value.len() > self.limits.event_bytes {
            return Err(Broken::EventTooLarge(self.limits.event_bytes));
        }
        match std::mem::replace(&mut self.at, Data::Kept) {
            Data::None if in_input => {
                self.at = Data::Input(value);
                return Ok(());
            }
            Data::None => self.data.clear(),
            // A range of the input can only be met by a further line of the same input.
            Data::Input(first) if in_input => {
                self.data.clear();
                self.data.extend_from_slice(&text[first]);
                self.data.push(b'\n');
            }
            Data::Input(_) | Data::Kept => self.data.push(b'\n'),
        }
        self.data.extend_from_slice(&text[value]);
        Ok(())
    }

    /// The blank line: gives the event, unless it has no data.
    fn dispatch(&mut self) -> Option<Data> {
        let data = std::mem::replace(&mut self.at, Data::None);
        let empty = match &data {
            Data::None => true,
            Data::Input(range) => range.is_empty(),
            Data::Kept => self.data.is_empty(),
        };
        if empty {
            self.kind.clear();
            return None;
        }
        self.given = true;
        Some(data)
    }
}
