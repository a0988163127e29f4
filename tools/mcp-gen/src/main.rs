//! mcp-gen
fn main() {}
