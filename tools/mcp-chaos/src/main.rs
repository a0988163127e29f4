//! mcp-chaos
fn main() {}
