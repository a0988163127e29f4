//! Calls of Toxiproxy's API: several on the same proxies, one behind the other. What began, ends.

use mcp_chaos::api::Paper;
use std::collections::BTreeSet;

/// One request begins where the one before it is over.
const BETWEEN: &[u8] = b"\n--\n";

/// Reads the bytes as requests, each on a connection of its own.
pub fn read(bytes: &[u8]) {
    let paper = Paper::default();
    let mut rest = bytes;
    loop {
        let end = rest.windows(BETWEEN.len()).position(|w| w == BETWEEN);
        let answer = paper.answer(&rest[..end.unwrap_or(rest.len())]);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 "));
        match end {
            Some(end) => rest = &rest[end + BETWEEN.len()..],
            None => break,
        }
    }
    paper.wind_down();
    let mut open = BTreeSet::new();
    for told in paper.told() {
        let fault = told.record(None);
        let has_changed = match fault.state.as_str() {
            "began" => open.insert(fault.id),
            _ => open.remove(&fault.id),
        };
        assert!(has_changed, "{} {} twice", fault.kind, fault.state);
    }
    assert!(open.is_empty(), "{open:?} never ended");
}
