//! A batch under way: calls that gather on a connection for the rest of a round, to leave as one array.

/// A batch with so many bytes is full, whatever its number of calls: servers limit what a message may have.
const MAX_BYTES: usize = 256 * 1024;

/// The calls that have gathered.
#[derive(Debug, Default)]
pub struct Batch {
    /// Their messages, a comma between.
    text: Vec<u8>,
    /// The ids of the first and the last. Between them are ids of this client only.
    ids: (u64, u64),
    calls: u32,
}

impl Batch {
    /// Whether no call waits in it.
    pub fn is_empty(&self) -> bool {
        self.calls == 0
    }

    /// Whether no further call may join, where `most` calls make a batch.
    pub fn is_full(&self, most: u32) -> bool {
        self.calls >= most || self.text.len() >= MAX_BYTES
    }

    /// Adds a message in pieces. Gives its bytes, the comma included.
    pub fn push(&mut self, id: u64, parts: [&[u8]; 3]) -> usize {
        let before = self.text.len();
        if self.calls == 0 {
            self.ids.0 = id;
        } else {
            self.text.push(b',');
        }
        for part in parts {
            self.text.extend_from_slice(part);
        }
        self.ids.1 = id;
        self.calls += 1;
        self.text.len() - before
    }

    /// The ids of the first and the last call.
    pub fn ids(&self) -> (u64, u64) {
        self.ids
    }

    /// What is sent, in pieces; a call alone goes as it would without batches.
    pub fn parts(&self) -> [&[u8]; 3] {
        match self.calls {
            1 => [b"", &self.text, b""],
            _ => [b"[", &self.text, b"]"],
        }
    }

    /// Whether it goes as an array.
    pub fn is_array(&self) -> bool {
        self.calls > 1
    }

    /// Forgets what was sent.
    pub fn clear(&mut self) {
        self.text.clear();
        self.calls = 0;
    }

    /// Gives the memory back.
    pub fn rest(&mut self) {
        if self.calls == 0 {
            self.text = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_alone_is_no_array_and_several_are_one() {
        let mut batch = Batch::default();
        assert!(batch.is_empty() && !batch.is_full(2));
        assert_eq!(batch.push(7, [b"{", b"7", b"}"]), 3);
        assert_eq!(
            (batch.parts().concat(), batch.is_array()),
            (b"{7}".to_vec(), false)
        );
        assert_eq!(batch.push(9, [b"{", b"9", b"}"]), 4);
        assert_eq!(
            (batch.parts().concat(), batch.is_array()),
            (b"[{7},{9}]".to_vec(), true)
        );
        assert_eq!(
            (batch.ids(), batch.is_full(2), batch.is_full(3)),
            ((7, 9), true, false)
        );
        batch.clear();
        assert!(batch.is_empty());
        batch.push(1, [&vec![b' '; MAX_BYTES], b"", b""]);
        assert!(batch.is_full(1_000), "bytes fill it too");
    }
}
