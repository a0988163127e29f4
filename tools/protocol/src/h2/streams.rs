//! Our side of a connection: the streams that are open, what may be sent on them, and what is owed to the server.

use std::collections::{HashMap, VecDeque};

use super::broken::Broken;
use super::frame::{self, write, write_header};
use super::hpack::Encoder;
use super::request::{Request, RequestError};
use super::settings::Settings;
use super::{CONNECTION_WINDOW, MAX_HEADER_LIST_BYTES, STREAM_WINDOW};

/// What a client says first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Stream ids end here; the connection is then used up.
const LAST_STREAM: u32 = 0x7fff_ffff;
/// No window may be larger (RFC 9113, 6.9.1).
const MAX_WINDOW: i64 = 0x7fff_ffff;

/// A request that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its stream.
    pub stream: u32,
    /// How much of its body waits until the server takes more; 0 where all of it is in the output.
    pub rest_bytes: usize,
}

/// An open stream.
#[derive(Debug)]
struct Stream {
    owner: usize,
    /// How much more the server takes on it.
    window: i64,
    /// What of the body has found no room yet.
    rest: Vec<u8>,
    /// What came on it since the server was last allowed more.
    received: u32,
}

/// The streams of one connection. `owner` is the caller's name for whoever made a request.
#[derive(Debug)]
pub struct Streams {
    encoder: Encoder,
    peer: Settings,
    /// How much more the server takes on the connection.
    window: i64,
    next_id: u32,
    open: HashMap<u32, Stream>,
    /// Those whose bodies wait for room, the oldest first.
    waiting: VecDeque<u32>,
    rest_bytes: usize,
    /// What came since the server was last allowed more.
    received: u32,
    is_ending: bool,
}

impl Streams {
    /// Those of a new connection, with or without TLS, which begins with [`Self::begin`].
    pub fn new(is_tls: bool) -> Self {
        Self {
            encoder: Encoder::new(is_tls),
            peer: Settings::default(),
            window: 65_535,
            next_id: 1,
            open: HashMap::new(),
            waiting: VecDeque::new(),
            rest_bytes: 0,
            received: 0,
            is_ending: false,
        }
    }

    /// Appends what a client says first: the preface, its settings, and how much it takes at a time.
    pub fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(PREFACE);
        let settings = [
            (0x2_u16, 0),
            (0x4, STREAM_WINDOW),
            (0x6, MAX_HEADER_LIST_BYTES as u32),
        ];
        write_header(out, settings.len() * 6, frame::SETTINGS, 0, 0);
        for (name, value) in settings {
            out.extend_from_slice(&name.to_be_bytes());
            out.extend_from_slice(&value.to_be_bytes());
        }
        window_update(out, 0, CONNECTION_WINDOW - 65_535);
    }

    /// How many streams are open.
    pub fn open_count(&self) -> usize {
        self.open.len()
    }

    /// How many streams may be open at a time, as the server has it.
    pub fn limit(&self) -> usize {
        self.peer.max_streams as usize
    }

    /// Whether one more stream may be opened. `max_rest_bytes` is how much of bodies may wait for room.
    pub fn has_room(&self, max_rest_bytes: usize) -> bool {
        self.open.len() < self.limit() && self.rest_bytes < max_rest_bytes && !self.is_over()
    }

    /// Whether the connection takes no more streams, now and later: the server has said so, or their ids are used up.
    pub fn is_over(&self) -> bool {
        self.is_ending || self.next_id > LAST_STREAM
    }

    /// Opens a stream for a request, given as HTTP/1.1 writes it, and appends as much of it as the windows let.
    ///
    /// # Errors
    /// When it has no whole head, or no stream is left. Whether there is room is not asked here.
    pub fn open(
        &mut self,
        owner: usize,
        request: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Opened, RequestError> {
        if self.is_over() {
            return Err(RequestError::NoStreams);
        }
        let request = Request::read(request)?;
        let block = self.encoder.encode(request.head)?;
        let stream = self.next_id;
        self.next_id += 2;
        let most = self.peer.max_frame_bytes as usize;
        let (first, mut rest) = block.split_at(block.len().min(most));
        let ends = if request.body.is_empty() {
            frame::END_STREAM
        } else {
            0
        };
        let last = |rest: &[u8]| {
            if rest.is_empty() {
                frame::END_HEADERS
            } else {
                0
            }
        };
        write(out, frame::HEADERS, ends | last(rest), stream, first);
        while !rest.is_empty() {
            let (piece, next) = rest.split_at(rest.len().min(most));
            write(out, frame::CONTINUATION, last(next), stream, piece);
            rest = next;
        }
        let mut window = i64::from(self.peer.initial_window);
        let mut body = request.body;
        // Whoever waits already goes first.
        if !body.is_empty() && self.waiting.is_empty() {
            body = send(out, stream, body, most, (&mut self.window, &mut window));
        }
        let rest_bytes = body.len();
        if rest_bytes > 0 {
            self.waiting.push_back(stream);
            self.rest_bytes += rest_bytes;
        }
        let opened = Stream {
            owner,
            window,
            rest: body.to_vec(),
            received: 0,
        };
        self.open.insert(stream, opened);
        Ok(Opened { stream, rest_bytes })
    }

    /// Sends what has found no room so far; gives the streams whose requests are all in the output now, one a call.
    pub fn go_on(&mut self, out: &mut Vec<u8>) -> Option<u32> {
        let most = self.peer.max_frame_bytes as usize;
        let mut at = 0;
        while let Some(&id) = self.waiting.get(at) {
            let Some(stream) = self.open.get_mut(&id) else {
                self.waiting.remove(at);
                continue;
            };
            let before = stream.rest.len();
            let windows = (&mut self.window, &mut stream.window);
            let left = send(out, id, &stream.rest, most, windows).len();
            stream.rest.drain(..before - left);
            self.rest_bytes -= before - left;
            if left == 0 {
                stream.rest = Vec::new();
                self.waiting.remove(at);
                return Some(id);
            }
            at += 1;
        }
        None
    }

    /// Whose request is on a stream. `None` where it is over.
    ///
    /// # Errors
    /// When it was never opened: a server begins none.
    pub fn owner(&self, stream: u32) -> Result<Option<usize>, Broken> {
        if stream >= self.next_id {
            return Err(Broken::WrongStream("HEADERS, DATA or RST_STREAM"));
        }
        Ok(self.open.get(&stream).map(|stream| stream.owner))
    }

    /// All streams beyond `last` with their owners, the oldest first.
    pub fn beyond(&self, last: u32) -> Vec<(u32, usize)> {
        let mut beyond: Vec<(u32, usize)> = self
            .open
            .iter()
            .filter(|(id, _)| **id > last)
            .map(|(id, stream)| (*id, stream.owner))
            .collect();
        beyond.sort_unstable();
        beyond
    }

    /// So many bytes of bodies came on a stream. Allows the server as much again once half of a window is used.
    ///
    /// # Errors
    /// When it has sent more than it may.
    pub fn received(&mut self, stream: u32, bytes: u32, out: &mut Vec<u8>) -> Result<(), Broken> {
        self.received += bytes;
        if self.received > CONNECTION_WINDOW {
            return Err(Broken::FlowControl("more than the connection's window"));
        }
        if self.received > CONNECTION_WINDOW / 2 {
            window_update(out, 0, std::mem::take(&mut self.received));
        }
        if let Some(open) = self.open.get_mut(&stream) {
            open.received += bytes;
            if open.received > STREAM_WINDOW {
                return Err(Broken::FlowControl("more than the stream's window"));
            }
            if open.received > STREAM_WINDOW / 2 {
                window_update(out, stream, std::mem::take(&mut open.received));
            }
        }
        Ok(())
    }

    /// Takes the server's settings over, and acknowledges them.
    ///
    /// # Errors
    /// When a window grows beyond all bounds by it.
    pub fn apply(&mut self, settings: Settings, out: &mut Vec<u8>) -> Result<(), Broken> {
        let grown = i64::from(settings.initial_window) - i64::from(self.peer.initial_window);
        for stream in self.open.values_mut() {
            stream.window += grown;
            if stream.window > MAX_WINDOW {
                return Err(Broken::FlowControl("a window beyond 2^31"));
            }
        }
        self.encoder.resize(settings.header_table_bytes);
        self.peer = settings;
        write(out, frame::SETTINGS, frame::ACK, 0, &[]);
        Ok(())
    }

    /// Answers a ping.
    pub fn pong(&self, payload: [u8; 8], out: &mut Vec<u8>) {
        write(out, frame::PING, frame::ACK, 0, &payload);
    }

    /// The server takes more: on a stream, or, where that is 0, on the connection.
    ///
    /// # Errors
    /// When that is beyond all bounds.
    pub fn widen(&mut self, stream: u32, by: u32) -> Result<(), Broken> {
        let window = match stream {
            0 => &mut self.window,
            _ if stream >= self.next_id => return Err(Broken::WrongStream("WINDOW_UPDATE")),
            _ => match self.open.get_mut(&stream) {
                Some(stream) => &mut stream.window,
                None => return Ok(()),
            },
        };
        *window += i64::from(by);
        if *window > MAX_WINDOW {
            return Err(Broken::FlowControl("a window beyond 2^31"));
        }
        Ok(())
    }

    /// No more streams are opened; those that are may finish.
    pub fn end(&mut self) {
        self.is_ending = true;
    }

    /// The answer on a stream is over. Where the request is not yet all sent, the server wants no more of it.
    pub fn close(&mut self, stream: u32, out: &mut Vec<u8>) {
        if let Some(open) = self.open.remove(&stream) {
            self.rest_bytes -= open.rest.len();
            if !open.rest.is_empty() {
                reset(out, stream, super::code::NO_ERROR);
            }
        }
    }

    /// The server has broken a stream off.
    pub fn forget(&mut self, stream: u32) {
        if let Some(open) = self.open.remove(&stream) {
            self.rest_bytes -= open.rest.len();
        }
    }

    /// Breaks a stream off, if it is open.
    pub fn reset(&mut self, stream: u32, code: u32, out: &mut Vec<u8>) {
        if self.open.contains_key(&stream) {
            self.forget(stream);
            reset(out, stream, code);
        }
    }
}

/// Appends that no more is to come on the connection, and why.
pub fn go_away(code: u32, out: &mut Vec<u8>) {
    write_header(out, 8, frame::GOAWAY, 0, 0);
    out.extend_from_slice(&0_u32.to_be_bytes());
    out.extend_from_slice(&code.to_be_bytes());
}

fn reset(out: &mut Vec<u8>, stream: u32, code: u32) {
    write(out, frame::RST_STREAM, 0, stream, &code.to_be_bytes());
}

fn window_update(out: &mut Vec<u8>, stream: u32, by: u32) {
    write(out, frame::WINDOW_UPDATE, 0, stream, &by.to_be_bytes());
}

/// Appends as much of a body as the windows let, in frames of `most` bytes; gives what is left.
fn send<'b>(
    out: &mut Vec<u8>,
    stream: u32,
    mut body: &'b [u8],
    most: usize,
    (connection, own): (&mut i64, &mut i64),
) -> &'b [u8] {
    while !body.is_empty() {
        let room = usize::try_from((*connection).min(*own)).unwrap_or(0);
        let taken = body.len().min(most).min(room);
        if taken == 0 {
            break;
        }
        let (piece, rest) = body.split_at(taken);
        let flags = if rest.is_empty() {
            frame::END_STREAM
        } else {
            0
        };
        write(out, frame::DATA, flags, stream, piece);
        *connection -= taken as i64;
        *own -= taken as i64;
        body = rest;
    }
    body
}
