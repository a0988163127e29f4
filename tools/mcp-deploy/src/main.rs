//! mcp-deploy
fn main() {}
