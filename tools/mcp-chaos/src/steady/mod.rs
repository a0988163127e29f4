//! The steady state that must be there before anything is broken: `error_rate < 1% for 5s`.

pub mod condition;
pub mod judge;
pub mod probe;
