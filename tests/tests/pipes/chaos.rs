//! What the tests of faults share: the records of faults, and what a process is doing.

use pipe_tests::{Running, Server, Stream};
use serde_json::Value;

/// A load of six clients on small calls, that gives up none of them soon.
pub const LOAD: &str =
    "--clients 6 --rate 20/s --connect-for 300ms --warmup 0s --interval 100ms --timeout 5s -q";
/// The same, that gives up soon.
pub const HASTY: &str =
    "--clients 6 --rate 20/s --connect-for 300ms --warmup 0s --interval 100ms --timeout 1s -q";

/// The records of one fault in this state.
pub fn of<'a>(stream: &'a Stream, id: &str, state: &str) -> Vec<&'a Value> {
    let all = stream.from("mcp-chaos", "fault");
    all.into_iter()
        .filter(|f| f["id"] == id && f["state"] == state)
        .collect()
}

/// The one record of a fault in this state.
#[track_caller]
pub fn one<'a>(stream: &'a Stream, id: &str, state: &str) -> &'a Value {
    let found = of(stream, id, state);
    let all = stream.from("mcp-chaos", "fault");
    assert_eq!(found.len(), 1, "{id} {state} among {all:#?}");
    found[0]
}

/// The state of a process: `S`, `T`, `Z`, …; `None` where it is gone.
pub fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Whether a process stands still.
pub fn is_stopped(pid: u32) -> bool {
    state(pid) == Some('T')
}

/// A line that names a server and its process.
pub fn target(name: &str, server: &Server) -> String {
    serde_json::json!({"type": "target", "name": name, "url": server.ws(), "pid": server.pid()})
        .to_string()
}

/// Waits until a fault has begun, in a stream that was recorded.
pub fn until_begun(running: &Running, file: &str, id: &str) {
    running.until_written(file, &format!(r#""id":"{id}","state":"began""#));
}

/// Processes of the pipeline that were started with this subcommand.
pub fn started(running: &Running, subcommand: &str) -> Vec<i32> {
    let all = running.processes();
    all.iter()
        .filter(|p| p.command.split(' ').nth(1) == Some(subcommand))
        .map(|p| p.pid)
        .collect()
}
