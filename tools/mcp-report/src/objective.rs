//! The share of calls that is to succeed, against which a fault's failures are weighed.

use record::units;
use std::str::FromStr;

/// A fraction above 0 and below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective(pub f64);

impl FromStr for Objective {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share = units::share(text).map_err(|e| e.to_string())?;
        if share > 0.0 && share < 1.0 {
            // 99.9 / 100 is a little more than 0.999, and is printed so.
            Ok(Self((share * 1e12).round() / 1e12))
        } else {
            Err("an objective of all calls or of none leaves no budget to burn: write one like 99.9%".to_owned())
        }
    }
}
