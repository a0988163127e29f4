//! One direction of a connection: from its source through toxics to its sink.
//!
//! Where no toxic is active, bytes are read and written at once, and large flows are spliced through a pipe without
//! being looked at. Where one is, what is read becomes chunks that wait in the queues of the toxics, one behind the
//! other, and then in `out`. A toxic that comes finds what was read before it behind itself; what waits in one that
//! goes, moves on to the next. So nothing is lost or overtakes.

use super::end::{End, Got, Put};
use super::pipes::{Pipe, Pipes};
use super::stage::Stage;
use crate::network::chunk::{Chunk, Item};
use crate::network::effect::How;
use bytes::{Buf as _, Bytes};
use std::collections::VecDeque;

/// A read of so many bytes is part of a large flow, which splice(2) moves cheaper.
const LARGE: usize = 32 * 1024;
/// A splice of so few bytes is not.
const SMALL: usize = 8 * 1024;
/// What a waiting chunk costs besides its bytes.
const CHUNK_COST: usize = 128;
/// So often one direction reads before it is the turn of others.
const READS: usize = 16;

/// What a direction needs from the relay for its turn.
pub struct Round<'a> {
    /// Now (CLOCK_MONOTONIC, µs).
    pub now_us: u64,
    /// Space for one read.
    pub scratch: &'a mut [u8],
    /// Pipes for large flows.
    pub pipes: &'a mut Pipes,
    /// What a direction may hold in memory, in bytes.
    pub may_hold: usize,
    /// Whether bytes were read.
    pub has_read: bool,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Nothing more can be done until something happens, or this instant (CLOCK_MONOTONIC, µs) has come.
    Until(Option<u64>),
    /// There is more to do, after the others had their turn.
    Again,
    /// The connection ends.
    Over(How),
}

/// One direction.
#[derive(Default)]
pub struct Lane {
    stages: Vec<Stage>,
    /// What has passed all toxics and was not yet written.
    out: VecDeque<Chunk>,
    /// What was spliced and was not yet written: so many bytes. It goes before `out`.
    pipe: Option<(Pipe, usize)>,
    is_large: bool,
    /// Bytes in the queues and in `out`.
    held: usize,
    /// Nothing more is read.
    has_ended: bool,
    /// What was read last was a reset.
    is_reset: bool,
    /// Its end was passed on, or nobody is there to read it.
    is_done: bool,
    /// What it passes on is put into it, and not read by itself.
    is_fed: bool,
}

impl Lane {
    /// A direction into which others put what goes on.
    pub fn fed() -> Self {
        Self {
            is_fed: true,
            ..Self::default()
        }
    }

    /// Whether it has nothing more to do.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Whether nothing more is read.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether nothing may be read, nor anybody connect.
    pub fn is_stopped(&self) -> bool {
        self.stages.iter().any(Stage::stops_reading)
    }

    /// A toxic comes, behind those that there are.
    pub fn add(&mut self, stage: Stage) {
        self.stages.push(stage);
    }

    /// A toxic becomes another one, or comes where it was not there. What must become of the connection.
    pub fn replace(&mut self, stage: Stage) -> Option<How> {
        match self.stages.iter_mut().find(|s| s.toxic == stage.toxic) {
            Some(old) => old.becomes(stage),
            None => {
                self.add(stage);
                None
            }
        }
    }

    /// A toxic goes, and what waited in it moves on. What must become of the connection.
    pub fn remove(&mut self, toxic: u64, now_us: u64) -> Option<How> {
        let place = self.stages.iter().position(|s| s.toxic == toxic)?;
        let mut gone = self.stages.remove(place);
        let behind = match self.stages.get_mut(place) {
            Some(next) => next.queue(),
            None => &mut self.out,
        };
        for mut chunk in gone.queue().drain(..) {
            chunk.at_us = now_us;
            behind.push_back(chunk);
        }
        gone.leaves()
    }

    /// Puts something into it.
    pub fn enter(&mut self, chunk: Chunk) {
        if self.is_done {
            return;
        }
        self.held += chunk.len();
        match self.stages.first_mut() {
            Some(first) => first.queue().push_back(chunk),
            None => self.out.push_back(chunk),
        }
    }

    /// Puts the end of the stream into it: nothing is read any more.
    pub fn enter_end(&mut self, at_us: u64, item: Item) {
        self.has_ended = true;
        self.is_reset |= item == Item::Reset;
        self.enter(Chunk { at_us, item });
    }

    /// Nothing more is read.
    pub fn stop(&mut self) {
        self.has_ended = true;
    }

    /// Its source was reset, as writing to it, or epoll, has told.
    pub fn source_broke(&mut self, source: &mut End, now_us: u64) -> Flow {
        if self.is_done {
            return Flow::Over(How::Reset);
        }
        if self.is_reset || self.is_stopped() {
            return Flow::Until(None);
        }
        if self.has_ended {
            // Its end was read before, so that nothing else would tell the sink.
            self.enter_end(now_us, Item::Reset);
        } else {
            (source.is_readable, source.has_hung_up) = (true, true);
        }
        Flow::Again
    }

    /// How many bytes may be read now; 0 for none at all. `beside` are bytes that are held elsewhere.
    pub fn wants(&self, source: &End, may_hold: usize, beside: usize) -> usize {
        if self.has_ended || !source.is_readable || self.is_stopped() {
            return 0;
        }
        // What is left of a connection that is over is the kernel's buffer at most; its end must be learnt.
        if source.has_hung_up {
            return usize::MAX;
        }
        let chunks: usize = self.stages.iter().map(Stage::waiting).sum();
        let held = self.held + beside + (chunks + self.out.len()) * CHUNK_COST;
        may_hold.saturating_sub(held)
    }

    /// Does what can be done now.
    pub fn turn(&mut self, source: &mut End, sink: &mut End, round: &mut Round) -> Flow {
        let mut reads = 0;
        loop {
            if let Some(how) = self.leave(sink, round) {
                return Flow::Over(how);
            }
            let (has_moved, until_us) = self.advance(round.now_us);
            if let Some(Item::Reset) = self.out.back().map(|chunk| &chunk.item) {
                // It overtakes what the sink has not taken, as the real one does.
                return Flow::Over(How::Reset);
            }
            if has_moved && sink.is_writable {
                continue;
            }
            let is_plain = self.stages.is_empty();
            let is_blocked = self.pipe.is_some() || !self.out.is_empty() || !sink.is_writable;
            let may_read = match self.wants(source, round.may_hold, 0) {
                _ if self.is_fed => 0,
                // The kernels of both ends hold enough.
                _ if is_plain && is_blocked && !source.has_hung_up => 0,
                wanted => wanted.min(round.scratch.len()),
            };
            if may_read == 0 || self.is_done {
                return Flow::Until(until_us);
            }
            if reads == READS {
                return Flow::Again;
            }
            reads += 1;
            if is_plain && !is_blocked {
                self.relay(source, sink, round);
            } else {
                let got = source.read(&mut round.scratch[..may_read]);
                self.take(got, None, round);
            }
        }
    }

    /// Moves bytes straight from source to sink.
    fn relay(&mut self, source: &mut End, sink: &mut End, round: &mut Round) {
        if self.is_large
            && let Some(pipe) = round.pipes.take()
        {
            match source.splice_into(&pipe) {
                Got::Bytes(n) => {
                    self.is_large = n >= SMALL;
                    self.pipe = Some((pipe, n));
                    round.has_read = true;
                }
                got => {
                    round.pipes.give(pipe);
                    self.is_large = got == Got::Nothing;
                    self.take(got, None, round);
                }
            }
            return;
        }
        let got = source.read(round.scratch);
        if let Got::Bytes(n) = got {
            self.is_large = n >= LARGE;
        }
        self.take(got, Some(sink), round);
    }

    /// Takes in what was read: through the sink at once, where there is one, and the rest into the queues.
    fn take(&mut self, got: Got, sink: Option<&mut End>, round: &mut Round) {
        match got {
            Got::Bytes(n) => {
                round.has_read = true;
                let mut bytes = &round.scratch[..n];
                match sink.map(|sink| sink.write(bytes)) {
                    Some(Put::Bytes(n)) => bytes = &bytes[n..],
                    Some(Put::Broken) => return self.lose_sink(round.pipes),
                    None => {}
                }
                if !bytes.is_empty() {
                    self.enter(Chunk::bytes(round.now_us, Bytes::copy_from_slice(bytes)));
                }
            }
            Got::Nothing => {}
            Got::End => self.enter_end(round.now_us, Item::End),
            Got::Broken => self.enter_end(round.now_us, Item::Reset),
        }
    }

    /// Lets all toxics let go what may, and says whether any did, and when to look again.
    fn advance(&mut self, now_us: u64) -> (bool, Option<u64>) {
        let (mut has_moved, mut until_us) = (false, None::<u64>);
        for place in 0..self.stages.len() {
            let (before, behind) = self.stages.split_at_mut(place + 1);
            let out = match behind.first_mut() {
                Some(next) => next.queue(),
                None => &mut self.out,
            };
            let step = before[place].advance(now_us, out);
            self.held -= step.swallowed;
            has_moved |= step.has_moved;
            if let Some(us) = step.until_us {
                until_us = Some(until_us.map_or(us, |until_us| until_us.min(us)));
            }
        }
        (has_moved, until_us)
    }

    /// Writes what has passed everything, as far as the sink takes it. How the connection ends, where it does.
    fn leave(&mut self, sink: &mut End, round: &mut Round) -> Option<How> {
        while let Some((pipe, left)) = self.pipe.take() {
            if !sink.is_writable {
                self.pipe = Some((pipe, left));
                return None;
            }
            match sink.splice_from(&pipe, left) {
                Put::Bytes(n) if n == left => round.pipes.give(pipe),
                Put::Bytes(n) => self.pipe = Some((pipe, left - n)),
                Put::Broken => {
                    round.pipes.discard(pipe);
                    self.lose_sink(round.pipes);
                }
            }
        }
        while let Some(chunk) = self.out.front_mut() {
            match &mut chunk.item {
                Item::Bytes(bytes) => {
                    if !sink.is_writable {
                        return None;
                    }
                    match sink.write(bytes) {
                        Put::Bytes(n) => {
                            self.held -= n;
                            bytes.advance(n);
                            if !bytes.is_empty() {
                                continue;
                            }
                        }
                        Put::Broken => {
                            self.lose_sink(round.pipes);
                            return None;
                        }
                    }
                }
                Item::End => {
                    sink.end();
                    self.is_done = true;
                }
                Item::Close => return Some(How::Close),
                Item::Reset => return Some(How::Reset),
            }
            self.out.pop_front();
        }
        None
    }

    /// Nobody reads it any more.
    pub fn lose_sink(&mut self, pipes: &mut Pipes) {
        for stage in &mut self.stages {
            stage.queue().clear();
        }
        self.out.clear();
        self.held = 0;
        self.free(pipes);
        (self.has_ended, self.is_done) = (true, true);
    }

    /// Gives back what is not its own.
    pub fn free(&mut self, pipes: &mut Pipes) {
        if let Some((pipe, _)) = self.pipe.take() {
            pipes.discard(pipe);
        }
    }
}
