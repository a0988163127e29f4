//! Conversations of real clients and servers, recorded; see `tests/fuzz/corpus/splitter`.

use crate::script::Script;
use std::path::Path;

/// All of them, by name.
pub fn all() -> Vec<(String, Script)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/corpus/splitter");
    let mut found: Vec<(String, Script)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, Script::read(&std::fs::read(path).unwrap()))
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(found.len() >= 8, "only {} conversations", found.len());
    found
}
