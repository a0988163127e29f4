//! Rates: `100/s`, `6000/m`, `36k/h`; a bare number is per second.

use super::{UnitError, number};

/// Parses a rate into events per second: more than 0, at most 100 million.
///
/// # Errors
/// Whatever is not of this form or out of range.
pub fn rate(text: &str) -> Result<f64, UnitError> {
    let wrong = || UnitError {
        text: text.to_owned(),
        what: "rate",
        expected: "write 100/s, 2.5k/s or 6000/m (more than 0, at most 100M/s)",
    };
    let (value, unit) = number(text.trim()).ok_or_else(wrong)?;
    let (factor, unit) = match unit.chars().next() {
        Some('k') => (1e3, &unit[1..]),
        Some('M') => (1e6, &unit[1..]),
        _ => (1.0, unit),
    };
    let per_s = value
        * factor
        * match unit.trim() {
            "" | "/s" => 1.0,
            "/m" | "/min" => 1.0 / 60.0,
            "/h" => 1.0 / 3_600.0,
            _ => return Err(wrong()),
        };
    if per_s > 0.0 && per_s <= 1e8 {
        Ok(per_s)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates_as_people_type_them() {
        assert_eq!(rate("100/s"), Ok(100.0));
        assert_eq!(rate("100"), Ok(100.0));
        assert_eq!(rate("6000/m"), Ok(100.0));
        assert_eq!(rate("2.5k/s"), Ok(2500.0));
        for text in ["0/s", "-1/s", "fast", "1/d", "1e3", "/s", "999M"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
