//! mcp-report
fn main() {}
