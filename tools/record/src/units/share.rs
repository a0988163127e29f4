//! Shares: `1%`, `0.1%`, or a fraction from 0 to 1.

use super::{UnitError, number};

/// Parses a share into a fraction from 0 to 1.
///
/// # Errors
/// Whatever is not of this form or outside 0 to 100 %.
pub fn share(text: &str) -> Result<f64, UnitError> {
    let fraction = match number(text.trim()) {
        Some((value, unit)) if unit.trim() == "%" => Some(value / 100.0),
        Some((value, "")) => Some(value),
        _ => None,
    };
    fraction
        .filter(|f| (0.0..=1.0).contains(f))
        .ok_or_else(|| UnitError {
            text: text.to_owned(),
            what: "share",
            expected: "write 1% or 0.01 (from 0 to 100%)",
        })
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_as_people_type_them() {
        assert_eq!(share("1%"), Ok(0.01));
        assert_eq!(share("0.5"), Ok(0.5));
        assert_eq!(share("100 %"), Ok(1.0));
        for text in ["2", "101%", "-1%", "half", ""] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
