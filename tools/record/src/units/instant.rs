//! Instants: seconds since 1970 (`1795456800`, `1795456800.5`), or RFC 3339 (`2026-11-23T18:00:00Z`, `…+01:00`).

use super::UnitError;

/// Parses an instant into Unix microseconds. Years 1970 to 9999; leap seconds count as the second after.
///
/// # Errors
/// Whatever is not of this form.
pub fn instant(text: &str) -> Result<u64, UnitError> {
    let trimmed = text.trim();
    let seconds = match trimmed.parse::<f64>() {
        Ok(seconds) => Some((seconds * 1e6).round()).filter(|us| (0.0..2.6e17).contains(us)),
        Err(_) => rfc3339(trimmed),
    };
    seconds.map(|us| us as u64).ok_or_else(|| UnitError {
        text: text.to_owned(),
        what: "instant",
        expected: "write seconds since 1970, as `date -d '+1 min' +%s` prints them, or 2026-11-23T18:00:00Z",
    })
}

/// `2026-11-23T18:00:00.25+01:00`, in Unix microseconds.
fn rfc3339(text: &str) -> Option<f64> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = rest.split_at(zone_at);
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(whole, ':', [2, 2, 2])?;
    let is_digits = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    let fraction: f64 = is_digits.then(|| format!("0.{fraction}").parse().ok())??;
    let offset_minutes = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, of) => {
            let [hours, minutes] = numbers(of, ':', [2, 2])?;
            let ahead = hours * 60 + minutes;
            if hours > 23 || minutes > 59 {
                return None;
            }
            if sign == "-" { -ahead } else { ahead }
        }
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in = [
        31,
        if leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let last = *days_in.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    if year < 1970 || !(1..=last).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let years_before =
        (year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
    let days: i64 = years_before + days_in[..month as usize - 1].iter().sum::<i64>() + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
    (seconds >= 0)
        .then_some((seconds as f64 + fraction) * 1e6)
        .map(f64::round)
}

/// Numbers of so many digits each, with a sign between.
fn numbers<const N: usize>(text: &str, between: char, digits: [usize; N]) -> Option<[i64; N]> {
    let mut found = [0; N];
    let mut parts = text.split(between);
    for (number, digits) in found.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::instant;

    #[test]
    fn instants_as_people_and_programs_write_them() {
        for (text, us) in [
            ("0", 0),
            ("1795456800", 1_795_456_800_000_000),
            ("1795456800.25", 1_795_456_800_250_000),
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600_000_000),
            ("2026-11-23T18:00:00Z", 1_795_456_800_000_000),
            ("2026-11-23T19:00:00.5+01:00", 1_795_456_800_500_000),
            ("2026-11-23 12:30:00-05:30", 1_795_456_800_000_000),
            ("2100-03-01T00:00:00Z", 4_107_542_400_000_000),
        ] {
            assert_eq!(instant(text), Ok(us), "{text}");
        }
        for text in [
            "",
            "soon",
            "-1",
            "nan",
            "2026-11-23",
            "2026-11-23T18:00:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T18:00:00.Z",
            "2026-11-23T18:00:00+1:00",
            "1969-12-31T23:59:59Z",
            "26-11-23T18:00:00Z",
            "+026-11-23T18:00:00Z",
        ] {
            assert!(instant(text).is_err(), "{text}");
        }
    }
}
