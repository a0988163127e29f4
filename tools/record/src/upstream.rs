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
                Some(part) => self.part(part, pen),
                None => break,
            }
        }
        self.tell_rest(pen);
        Ok(())
    }

    /// The same for a tool that writes some lines anew: where `edit` gives one (without its `\n`), it goes on in the
    /// place of the line that was shown. Each line is shown before it is handed on.
    ///
    /// # Errors
    /// As [`Self::forward`], and what `edit` says: the line that it refused does not go on, nor do those that were read
    /// together with it.
    pub fn forward_edited(
        mut self,
        pen: &Pen,
        mut edit: impl FnMut(&str, &[u8], u64) -> io::Result<Option<Vec<u8>>>,
    ) -> io::Result<()> {
        loop {
            let piece = match self.first.take() {
                Some(piece) => Some(piece),
                None => self.lines.next_piece()?,
            };
            match piece {
                Some(Piece::Lines(block)) => {
                    // What is broken is told behind the block: `edit` has seen it by then.
                    let edited = edited(&block, &mut edit)?;
                    self.block(edited.unwrap_or(block), pen, &mut |_, _, _| {});
                }
                Some(part) => self.part(part, pen),
                None => break,
            }
        }
        self.tell_rest(pen);
        Ok(())
    }

    fn part(&mut self, part: Piece, pen: &Pen) {
        if let Piece::Part {
            number,
            bytes,
            last,
        } = part
        {
            pen.forward(bytes, u64::from(last), last);
            if last {
                self.tell(pen, number, "longer than 1 MiB");
            }
        }
    }

    fn tell_rest(&self, pen: &Pen) {
        if self.broken > MAX_TOLD {
            let more = self.broken - MAX_TOLD;
            pen.write(Warning::new(
                "not_json",
                format!("{more} more lines are no records; all were passed on as they are"),
            ));
        }
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

/// The block with the lines that `edit` gives in the place of others; `None` where it gives none.
fn edited(
    block: &Block,
    edit: &mut impl FnMut(&str, &[u8], u64) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Option<Block>> {
    let mut bytes = Vec::new();
    let (mut at, mut copied) = (0, 0);
    for (number, line) in block.lines() {
        if let Peek::Type(kind) = peek(line)
            && let Some(new) = edit(&kind, line, number)?
        {
            bytes.extend_from_slice(&block.bytes[copied..at]);
            bytes.extend_from_slice(&new);
            copied = at + line.len();
        }
        at += line.len() + 1;
    }
    Ok((copied > 0).then(|| {
        bytes.extend_from_slice(&block.bytes[copied..]);
        Block {
            bytes,
            first: block.first,
        }
    }))
}
