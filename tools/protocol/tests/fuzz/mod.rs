//! How many cases a property test tries: few every day, many in `tests/long`.

/// `everyday`, or so many times as many as MCPIPE_FUZZ says.
pub fn cases(everyday: u32) -> u32 {
    let factor = std::env::var("MCPIPE_FUZZ")
        .ok()
        .and_then(|text| text.parse().ok());
    everyday.saturating_mul(factor.unwrap_or(1))
}
