//! Sizes: `512`, `1kB`, `64KiB`, `16MiB`; a bare number is bytes.

use super::{UnitError, number};

/// Parses a size into bytes, at most 1 TiB. kB and MB are powers of 1000, KiB and MiB of 1024.
///
/// # Errors
/// Whatever is not of this form or too large.
pub fn size(text: &str) -> Result<u64, UnitError> {
    let wrong = || UnitError {
        text: text.to_owned(),
        what: "size",
        expected: "write 512, 2kB, 64KiB or 16MiB (at most 1TiB)",
    };
    let (value, unit) = number(text.trim()).ok_or_else(wrong)?;
    let bytes = value
        * match unit.trim() {
            "" | "B" => 1.0,
            "kB" | "KB" => 1e3,
            "MB" => 1e6,
            "GB" => 1e9,
            "KiB" => 1024.0,
            "MiB" => 1_048_576.0,
            "GiB" => 1_073_741_824.0,
            "TiB" => 1_099_511_627_776.0,
            _ => return Err(wrong()),
        };
    if bytes <= 1_099_511_627_776.0 {
        Ok(bytes.round() as u64)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_as_people_type_them() {
        assert_eq!(size("512"), Ok(512));
        assert_eq!(size("1kB"), Ok(1_000));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1.5MiB"), Ok(1_572_864));
        for text in ["", "kB", "1 parsec", "-1", "2TiB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
