//! A conversation as a file: the first line says the wire, then come pieces, `> LENGTH` from the client and `< LENGTH`
//! from the server, each with its bytes and a line end behind them.
//!
//! Anything is a script, so that a fuzzer may change one: what is no head of a piece belongs to the client.

use mcp_chaos::message::{Side, Wire};

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// How its messages lie.
    pub wire: Wire,
    /// Who says what, in their order.
    pub pieces: Vec<(Side, Vec<u8>)>,
}

impl Script {
    /// Reads one.
    pub fn read(mut text: &[u8]) -> Self {
        let mut script = Self {
            wire: Wire::Http,
            pieces: Vec::new(),
        };
        for (word, wire) in [(&b"http\n"[..], Wire::Http), (b"lines\n", Wire::Lines)] {
            if let Some(rest) = text.strip_prefix(word) {
                (script.wire, text) = (wire, rest);
            }
        }
        while !text.is_empty() {
            let (from, length, rest) = head(text).unwrap_or((Side::Client, text.len(), text));
            let (piece, rest) = rest.split_at(length.min(rest.len()));
            script.pieces.push((from, piece.to_vec()));
            text = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        script
    }

    /// All that a side says.
    pub fn said(&self, side: Side) -> Vec<u8> {
        let pieces = self.pieces.iter().filter(|(from, _)| *from == side);
        pieces.flat_map(|(_, piece)| piece.clone()).collect()
    }
}

fn head(text: &[u8]) -> Option<(Side, usize, &[u8])> {
    let (line, rest) = text.split_at(text.iter().position(|&b| b == b'\n')?);
    let from = match line.get(..2)? {
        b"> " => Side::Client,
        b"< " => Side::Server,
        _ => return None,
    };
    let length = std::str::from_utf8(&line[2..]).ok()?.parse().ok()?;
    Some((from, length, &rest[1..]))
}
