//! What comes from upstream: copied to the pen line by line, looked at on the way, and told of where it is broken.

use crate::kind::{Body, Warning};
use crate::lines::{Block, Lines, Piece};
use crate::peek::{Peek, peek};
use crate::pen::Pen;
use std::io::{self, Read};

/// So many broken lines are told one by one; the rest is counted.
const MAX_TOLD: u64 = 20;

/// The stream from upstream. Its first line has been read, and is still to be forwarded.
pub struct Upstream<R> {
    lines: Lines<R>,
    first: Option<Piece>,
    broken: u64,
}

impl<R: Read> Upstream<R> {
    /// Waits for the first line, or the end.
    ///
    /// # Errors
    /// What reading said.
    pub fn open(reader: R) -> io::Result<Self> {
        let mut lines = Lines::new(reader);
        let first = lines.next_piece()?;
        Ok(Self {
            lines,
            first,
            broken: 0,
        })
    }

    /// The run that the first line belongs to; `None` where it names none.
    #[must_use]
    pub fn run(&self) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Run {
            run: String,
        }
        let Some(Piece::Lines(block)) = &self.first else {
            return None;
        };
        let (_, line) = block.lines().next()?;
        serde_json::from_slice::<Run>(line).ok().map(|r| r.run)
    }

    /// Copies all to `pen` until the end. `see(type, line, number)` is shown every line that is a record, after it was
    /// handed on; lines that are no JSON give a `warning` behind them.
    ///
    /// # Errors
    /// What reading said; all that came before has been forwarded.
    pub fn forward(mut self, pen: &Pen, mut see: impl FnMut(&str, &[u8], u64)) -> io::Result<()> {
        loop {
            let piece = match self.first.take() {
                Some(piece) => Some(piece),
                None => self.lines.next_piece()?,
            };
            match piece {
                Some(Piece::Lines(block)) => self.block(block, pen, &mut see),
                Some(Piece::Part {
                    number,
                    bytes,
                    last,
                }) => {
                    pen.forward(bytes, u64::from(last), last);
                    if last {
                        self.tell(pen, number, "longer than 1 MiB");
                    }
                }
                None => break,
            }
        }
        if self.broken > MAX_TOLD {
            let more = self.broken - MAX_TOLD;
            pen.write(Warning::new(
                "not_json",
                format!("{more} more lines are no records; all were passed on as they are"),
            ));
        }
        Ok(())
    }

    fn block(&mut self, block: Block, pen: &Pen, see: &mut impl FnMut(&str, &[u8], u64)) {
        pen.forward(block.bytes.clone(), block.count(), true);
        for (number, line) in block.lines() {
            match peek(line) {
                Peek::Type(kind) => see(&kind, line, number),
                Peek::Untyped => {}
                Peek::Broken(how) => self.tell(pen, number, how),
            }
        }
    }

    fn tell(&mut self, pen: &Pen, number: u64, how: &str) {
        self.broken += 1;
        if self.broken <= MAX_TOLD {
            let text = format!("line {number} is no record ({how}); it was passed on as it is");
            let warning = Warning {
                line: Some(number),
                ..Warning::new("not_json", text)
            };
            pen.write(Body::from(warning));
        }
    }
}
