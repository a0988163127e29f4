//! Ids: one for the run of a whole pipeline, one for each tool in it.

use crate::clock;

/// A new run id: the second it began, for people, and 40 random bits, for certainty: `20261123T175233-7k3f9a2m`.
#[must_use]
pub fn new_run() -> String {
    let secs = clock::unix_us() / 1_000_000;
    let (year, month, day) = civil_from_days((secs / 86_400) as i64);
    let s = secs % 86_400;
    format!(
        "{year:04}{month:02}{day:02}T{:02}{:02}{:02}-{}",
        s / 3_600,
        s / 60 % 60,
        s % 60,
        letters(8)
    )
}

/// The `from` of one tool process: `mcp-gen#3f2a9c`. Several generators of one run differ in it.
#[must_use]
pub fn new_instance(tool: &str) -> String {
    format!("{tool}#{:06x}", random() & 0xff_ffff)
}

/// 64 random bits from the kernel; from the clock and the pid where the kernel refuses.
#[must_use]
pub fn random() -> u64 {
    getrandom::u64().unwrap_or_else(|_| clock::mono_ns() ^ (u64::from(std::process::id()) << 32))
}

/// Whether a string from outside may be used as a run id: it ends up in file names and labels.
#[must_use]
pub fn is_valid_run(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && !id.starts_with(['.', '-'])
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn letters(n: usize) -> String {
    // No i, l, o, u: nobody mistypes an id read from a screen, and none spells a word.
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bits = random();
    (0..n)
        .map(|_| {
            let c = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
            char::from(c)
        })
        .collect()
}

/// Days since 1970-01-01 to a date of the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
/// low-level date algorithms").
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil_from_days(0), (1970, 1, 1));
        assert_eq!(civil_from_days(11_016), (2000, 2, 29));
        assert_eq!(civil_from_days(20_780), (2026, 11, 23));
    }

    #[test]
    fn a_new_run_id_is_valid_and_not_the_last_one() {
        let a = new_run();
        assert!(is_valid_run(&a), "{a}");
        assert_ne!(a, new_run());
        assert!(!is_valid_run("../x") && !is_valid_run("") && !is_valid_run("a b"));
    }
}
