//! mcp-scrape
fn main() {}
