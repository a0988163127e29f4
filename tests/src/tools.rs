//! Where the built tools are.

use std::path::PathBuf;

/// The tools that stand in the middle and may copy any stream.
pub const FILTERS: [&str; 2] = ["mcp-chaos", "mcp-scrape"];

/// The folder with the binaries: `MCPIPE_BIN`, else the release build in the target folder of this test, else the debug build.
///
/// # Panics
/// Where there is none: they are built with `cargo build --release`.
#[must_use]
pub fn folder() -> PathBuf {
    if let Some(named) = std::env::var_os("MCPIPE_BIN") {
        return PathBuf::from(named);
    }
    // target/debug/deps/contract_x-0123
    let test = std::env::current_exe().expect("a test has an executable");
    let target = test
        .ancestors()
        .nth(3)
        .expect("a test is three folders below target")
        .to_path_buf();
    [target.join("release"), target.join("debug")]
        .into_iter()
        .find(|folder| folder.join("mcp-gen").exists())
        .expect("the tools are not built: cargo build --release")
}
