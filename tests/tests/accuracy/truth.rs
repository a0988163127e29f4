//! The truth files of `mcp-deploy serve --truth`: when each answer was handed to write().

use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// A call as both sides know it by its token: the client, and the index of its call.
pub type Key = (u64, u64);

/// The instants of answers on CLOCK_MONOTONIC, in microseconds.
pub struct Truth {
    answered_us: HashMap<Key, u64>,
    boot_id: String,
}

/// The first line of a file.
#[derive(Deserialize)]
struct First {
    boot_id: String,
}

/// The line of a call.
#[derive(Deserialize)]
struct Answered {
    token: Option<String>,
    answered_mono_us: u64,
}

impl Truth {
    /// Reads as much of a folder's truth files as the servers have written so far.
    pub fn read(folder: &Path) -> Self {
        let mut truth = Self {
            answered_us: HashMap::new(),
            boot_id: String::new(),
        };
        for file in std::fs::read_dir(folder).expect("the folder").flatten() {
            if file.file_name().to_string_lossy().starts_with("truth-") {
                truth.add(&std::fs::read_to_string(file.path()).expect("the truth file"));
            }
        }
        truth
    }

    fn add(&mut self, text: &str) {
        // The last line may be half written.
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let mut lines = whole.lines();
        let first = lines.next().expect("a first line");
        let First { boot_id } = serde_json::from_str(first).expect("the truth is JSON");
        self.boot_id = boot_id;
        for line in lines {
            let answered: Answered = serde_json::from_str(line).expect("the truth is JSON");
            // Without a token it was asked what it offers.
            if let Some(token) = answered.token {
                let before = self
                    .answered_us
                    .insert(key(&token), answered.answered_mono_us);
                assert!(before.is_none(), "{token} was answered twice");
            }
        }
    }

    /// When this call was answered.
    pub fn answered_us(&self, key: Key) -> Option<u64> {
        self.answered_us.get(&key).copied()
    }

    /// The boot that the instants belong to.
    pub fn boot_id(&self) -> &str {
        &self.boot_id
    }
}

/// The end of a token: `…/CLIENT/INDEX`.
fn key(token: &str) -> Key {
    let mut parts = token
        .rsplit('/')
        .map(|part| part.parse().expect("a number"));
    let (index, client) = (parts.next(), parts.next());
    (client.expect("a client"), index.expect("an index"))
}
