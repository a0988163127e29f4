//! Finds where server-sent events end: behind a blank line, whichever of the three line ends there is.

/// Where the search stands.
#[derive(Debug)]
pub(super) struct EventEnds {
    line_is_empty: bool,
    after_cr: bool,
    /// No byte of an event has come since the last one ended.
    between: bool,
}

impl EventEnds {
    pub(super) const fn new() -> Self {
        Self {
            line_is_empty: true,
            after_cr: false,
            between: true,
        }
    }

    /// Whether all bytes so far belong to events that are over.
    pub(super) const fn is_between(&self) -> bool {
        self.between
    }

    /// The end of the next event in the input; `None` when all of it was taken.
    pub(super) fn next(&mut self, input: &[u8]) -> Option<usize> {
        let mut at = 0;
        if !input.is_empty() && std::mem::take(&mut self.after_cr) {
            at = usize::from(input[0] == b'\n');
        }
        while at < input.len() {
            let Some(length) = memchr::memchr2(b'\r', b'\n', &input[at..]) else {
                (self.line_is_empty, self.between) = (false, false);
                return None;
            };
            let is_blank = self.line_is_empty && length == 0;
            at += length;
            match (input[at], input.get(at + 1)) {
                // An event ends behind the LF of its CRLF where that has come already; otherwise the LF is the first
                // byte of what follows, where it means nothing.
                (b'\r', Some(b'\n')) => at += 2,
                (b'\r', None) => {
                    self.after_cr = true;
                    at += 1;
                }
                _ => at += 1,
            }
            self.line_is_empty = true;
            self.between = is_blank;
            if is_blank {
                return Some(at);
            }
        }
        None
    }
}

/// The events in a run of whole ones, each with its blank line; a last one that is not over comes as it is.
pub(in super::super) fn events(mut run: &[u8]) -> Vec<&[u8]> {
    let mut ends = EventEnds::new();
    let mut found = Vec::new();
    while let Some(end) = ends.next(run) {
        found.push(&run[..end]);
        run = &run[end..];
    }
    if !run.is_empty() {
        found.push(run);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_ends_behind_its_blank_line_with_every_line_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = "id: 1|data:|| |event: x|data: {}||: ping||".replace('|', end);
            let found = events(text.as_bytes());
            let lengths: Vec<usize> = found.iter().map(|event| event.len()).collect();
            assert_eq!(found.concat(), text.as_bytes());
            assert_eq!(found.len(), 3, "{lengths:?} {end:?}");
        }
    }

    #[test]
    fn wherever_the_stream_is_cut_the_same_events_end() {
        let text = b"data: a\r\nid: 1\r\n\r\ndata: b\r\r: x\n\n";
        for cut in 0..=text.len() {
            let mut ends = EventEnds::new();
            let mut found = Vec::new();
            let mut begin = 0;
            for part in [&text[..cut], &text[cut..]] {
                let mut at = 0;
                while let Some(end) = ends.next(&part[at..]) {
                    at += end;
                    found.push(begin + at);
                }
                begin = part.len();
            }
            assert!(ends.is_between(), "{cut}");
            // Between CR and LF of the blank line, the LF belongs to what follows.
            let first = if cut == 17 { 17 } else { 18 };
            assert_eq!(found, [first, 27, 32], "{cut}");
        }
    }
}
