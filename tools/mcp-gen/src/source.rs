//! Source addresses: what `--source-address` may say.

use std::net::{IpAddr, Ipv4Addr};

/// An address, or all of an IPv4 network such as `127.0.1.0/28` (at most a /16), without its first and last one.
///
/// # Errors
/// A sentence on what is wrong with the text.
pub fn addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let Some((base, bits)) = text.split_once('/') else {
        let address = text.parse();
        return address
            .map(|a| vec![a])
            .map_err(|_| format!("{text:?} is no address: write 10.0.0.5, ::1 or 127.0.1.0/28"));
    };
    let (Ok(base), Ok(bits @ 16..=30)) = (base.parse::<Ipv4Addr>(), bits.parse::<u32>()) else {
        return Err(format!(
            "{text:?} is no IPv4 network from /16 to /30: write it as 127.0.1.0/28"
        ));
    };
    let size = 1u32 << (32 - bits);
    let first = base.to_bits() & !(size - 1);
    Ok((1..size - 1)
        .map(|n| Ipv4Addr::from_bits(first + n).into())
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_its_hosts() {
        let all = addresses("127.0.1.6/29").unwrap();
        assert_eq!(all.len(), 6);
        assert_eq!(all[0], IpAddr::from([127, 0, 1, 1]));
        assert_eq!(all[5], IpAddr::from([127, 0, 1, 6]));
        assert_eq!(
            addresses("::1").unwrap(),
            ["::1".parse::<IpAddr>().unwrap()]
        );
    }

    #[test]
    fn what_is_no_address_is_told_with_an_example() {
        for text in [
            "",
            "host",
            "1.2.3",
            "10.0.0.0/8",
            "10.0.0.0/31",
            "::1/64",
            "1.2.3.4/x",
        ] {
            assert!(
                addresses(text).unwrap_err().contains("127.0.1.0/28"),
                "{text}"
            );
        }
    }
}
