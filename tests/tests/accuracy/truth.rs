//! The truth file of `mcp-deploy serve --truth`: when each answer was handed to write().

use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// A call as both sides know it: the client's port and the JSON-RPC id, which is unique on a connection.
pub type Key = (u64, u64);

/// The instants of answers on CLOCK_MONOTONIC, in microseconds.
pub struct Truth {
    answered_us: HashMap<Key, u64>,
    boot_id: String,
}

impl Truth {
    /// Reads as much of the file as the server has written so far.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("the truth file");
        // The last line may be half written.
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let mut lines = whole
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("the truth is JSON"));
        let first = lines.next().expect("a first line");
        let mut answered_us = HashMap::new();
        for line in lines {
            let us = line["answered_mono_us"].as_u64().expect("an instant");
            if let (Some(port), Some(id)) = (line["peer_port"].as_u64(), line["id"].as_u64()) {
                let before = answered_us.insert((port, id), us);
                assert!(before.is_none(), "port {port} and id {id} came twice");
            }
        }
        Self {
            answered_us,
            boot_id: first["boot_id"].as_str().expect("a boot id").to_owned(),
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
