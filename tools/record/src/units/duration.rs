//! Durations: `250ms`, `1.5s`, `1m30s`, `2h`; a bare number is seconds.

use super::{UnitError, number};
use std::time::Duration;

/// Parses a duration, at most a year. Units: us (µs), ms, s, m (min), h, d; they may follow each other (`1m30s`).
///
/// # Errors
/// Whatever is not of this form, negative or longer than a year.
pub fn duration(text: &str) -> Result<Duration, UnitError> {
    let wrong = || UnitError {
        text: text.to_owned(),
        what: "duration",
        expected: "write 250ms, 30s, 1m30s or 2h (at most 365d)",
    };
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<f64>() {
        return within(seconds).ok_or_else(wrong);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let (value, tail) = number(rest).ok_or_else(wrong)?;
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        total += value
            * match tail[..end].trim() {
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" | "sec" => 1.0,
                "m" | "min" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return Err(wrong()),
            };
        rest = &tail[end..];
    }
    if text.trim().is_empty() {
        Err(wrong())
    } else {
        within(total).ok_or_else(wrong)
    }
}

fn within(seconds: f64) -> Option<Duration> {
    // Rounded to whole microseconds: 0.1 has no exact binary form, and our clocks count microseconds.
    (0.0..=365.0 * 86_400.0)
        .contains(&seconds)
        .then(|| Duration::from_micros((seconds * 1e6).round() as u64))
}

/// Microseconds as a person reads them, three digits: `87 µs`, `1.24 ms`, `908 ms`, `12.0 s`.
#[must_use]
pub fn show_us(us: u64) -> String {
    let (value, unit) = match us {
        0..1_000 => return format!("{us} µs"),
        // 999.7 ms would be shown as 1000.
        1_000..999_500 => (us as f64 / 1e3, "ms"),
        _ => (us as f64 / 1e6, "s"),
    };
    let decimals = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_type_them() {
        for (text, us) in [
            ("250ms", 250_000),
            ("1.5s", 1_500_000),
            ("1m30s", 90_000_000),
            ("30", 30_000_000),
            ("0.1", 100_000),
            ("100us", 100),
            ("2h", 7_200_000_000),
            (" 5s ", 5_000_000),
        ] {
            assert_eq!(duration(text).map(|d| d.as_micros()), Ok(us), "{text}");
        }
        for text in [
            "",
            "s",
            "1x",
            "-1s",
            "1s2",
            "nan",
            "inf",
            "1e9d",
            "366d",
            "5 minutes",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn latencies_are_shown_with_three_digits() {
        let shown: Vec<_> = [87, 999, 1_240, 99_940, 908_000, 999_700, 12_000_000]
            .map(show_us)
            .into();
        assert_eq!(
            shown,
            [
                "87 µs", "999 µs", "1.24 ms", "99.9 ms", "908 ms", "1.00 s", "12.0 s"
            ]
        );
    }
}
