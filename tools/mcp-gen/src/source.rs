//! Source addresses: what `--source-address` may say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

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

/// Checks that this machine has all of these addresses.
///
/// # Errors
/// A sentence on the first that it has not.
pub fn check(addresses: &[IpAddr]) -> Result<(), String> {
    for address in addresses {
        // A datagram socket takes the same addresses, and nobody hears of it.
        if let Err(e) = UdpSocket::bind((*address, 0)) {
            return Err(match e.raw_os_error() {
                Some(libc::EADDRNOTAVAIL) => format!(
                    "--source-address {address} is no address of this machine: `ip address` shows those that are, `ip address add {address} dev …` adds it"
                ),
                _ => format!("--source-address {address} cannot be used: {e}"),
            });
        }
    }
    Ok(())
}

/// Checks that a server can be reached from one of these addresses, where there are any: none of IPv6 leads to one of IPv4.
///
/// # Errors
/// A sentence: they are all of the other family, and so would be passed over.
pub fn check_family(sources: &[IpAddr], server: &[SocketAddr]) -> Result<(), String> {
    let leads = |source: &IpAddr| server.iter().any(|a| a.is_ipv4() == source.is_ipv4());
    match (sources.first(), server.first()) {
        (Some(source), Some(server)) if !sources.iter().any(leads) => Err(format!(
            "no --source-address leads to {}: {source} is of {}, and the server of {}",
            server.ip(),
            family(source.is_ipv4()),
            family(server.is_ipv4())
        )),
        _ => Ok(()),
    }
}

fn family(is_ipv4: bool) -> &'static str {
    if is_ipv4 { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_another_machine_is_told_apart() {
        let here = addresses("127.0.9.0/29").unwrap();
        assert_eq!(check(&here), Ok(()));
        // TEST-NET-3 of RFC 5737 is nobody's.
        let there = [here[0], "203.0.113.7".parse().unwrap()];
        assert!(
            check(&there)
                .unwrap_err()
                .contains("203.0.113.7 is no address")
        );
    }

    #[test]
    fn addresses_of_the_other_family_lead_nowhere() {
        let [four, six]: [IpAddr; 2] = ["127.0.0.1", "::1"].map(|a| a.parse().unwrap());
        let server = [SocketAddr::new(four, 80)];
        assert_eq!(check_family(&[], &server), Ok(()));
        assert_eq!(check_family(&[six, four], &server), Ok(()));
        assert_eq!(check_family(&[six], &[]), Ok(()), "a child");
        let told = check_family(&[six], &server).unwrap_err();
        assert!(told.contains("::1 is of IPv6"), "{told}");
    }

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
