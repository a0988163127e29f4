//! Figures as a person reads them.

/// A latency of so many microseconds: `1.24 ms`.
pub fn latency(us: f64) -> String {
    record::units::show_us(us.max(0.0).round() as u64)
}

/// A whole number with its thousands apart: `67,500`.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(c);
    }
    shown
}

/// A rate: `2,499.9/s`.
pub fn per_s(rate: f64) -> String {
    let decimals = if rate < 99.995 { 2 } else { 1 };
    let text = format!("{:.decimals$}", rate.max(0.0));
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    format!("{}.{part}/s", count(whole.parse().unwrap_or(u64::MAX)))
}

/// A share: `0.12 %`. What is neither nothing nor all is never rounded to it.
pub fn share(share: f64) -> String {
    let percent = share * 100.0;
    match percent {
        0.0 => "0 %".to_owned(),
        100.0 => "100 %".to_owned(),
        p if p < 0.005 => "<0.01 %".to_owned(),
        p if p > 99.995 && p < 100.0 => ">99.99 %".to_owned(),
        p => format!("{p:.2} %"),
    }
}

/// A share that may be more than all: `340 %`, `3.40 %`.
pub fn portion(portion: f64) -> String {
    if portion <= 0.1 {
        return share(portion);
    }
    let percent = (portion * 100.0).min(u64::MAX as f64);
    format!("{} %", count(percent.round() as u64))
}

/// A length of time: `27.0 s`.
pub fn span(us: u64) -> String {
    record::units::show_us(us)
}

/// A size: `3.0 kB`.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if n < 1_000 {
        return format!("{n} B");
    }
    let mut value = n as f64 / 1e3;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1e3;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// An instant, counted from t0: `+20.0 s`.
pub fn since(t0_us: Option<u64>, at_us: u64) -> String {
    match t0_us {
        Some(t0) if at_us >= t0 => format!("+{}", span(at_us - t0)),
        Some(t0) => format!("-{}", span(t0 - at_us)),
        None => "-".to_owned(),
    }
}

/// A command line that a shell reads back as it was.
pub fn command(args: &[String]) -> String {
    let quoted: Vec<String> = args.iter().map(|a| quote(a)).collect();
    quoted.join(" ")
}

fn quote(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

/// A text from the stream, its control characters gone: it must not reach a terminal as commands.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_as_people_read_them() {
        assert_eq!(
            [0, 999, 67_500, 1_000_000].map(count),
            ["0", "999", "67,500", "1,000,000"]
        );
        assert_eq!(
            [0.5, 99.0, 2_499.94].map(per_s),
            ["0.50/s", "99.00/s", "2,499.9/s"]
        );
        assert_eq!(
            [0.0, 0.000_01, 0.0123, 0.999_96, 1.0].map(share),
            ["0 %", "<0.01 %", "1.23 %", ">99.99 %", "100 %"]
        );
        assert_eq!(
            [12, 3_040, 999_960, 2_000_000_000].map(bytes),
            ["12 B", "3.0 kB", "1.0 MB", "2.0 GB"]
        );
        let args = ["mcp-gen", "--stdio", "it's a server", ""].map(str::to_owned);
        assert_eq!(command(&args), r"mcp-gen --stdio 'it'\''s a server' ''");
        assert_eq!(clean("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }
}
