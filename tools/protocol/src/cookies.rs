//! The cookies that one client keeps of one origin, as balancers use them to know it again (RFC 6265, in the parts that do).

use crate::endpoint::Endpoint;

/// More than any server needs, and what browsers keep at least (RFC 6265 6.1).
const MAX_COOKIES: usize = 50;
/// The longest name and value that are kept, together, in bytes.
const MAX_BYTES: usize = 4_096;

/// The cookies of one origin. Instants are Unix seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar(Vec<Cookie>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Cookie {
    name: String,
    value: String,
    path: String,
    secure: bool,
    expires_s: u64,
}

impl Jar {
    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in the value of a `Set-Cookie` that came from `from`; true when that changes what is sent. Cookies for
    /// another domain, too long ones and those beyond 50 are not kept.
    pub fn take(&mut self, set_cookie: &str, from: &Endpoint, now_s: u64) -> bool {
        let Some(cookie) = parse(set_cookie, from, now_s) else {
            return false;
        };
        let old = self
            .0
            .iter()
            .position(|kept| kept.name == cookie.name && kept.path == cookie.path);
        let is_over = cookie.expires_s <= now_s;
        match old {
            Some(at) if is_over => drop(self.0.remove(at)),
            Some(at) => {
                let changes = self.0[at].value != cookie.value;
                self.0[at] = cookie;
                return changes;
            }
            None if is_over || self.0.len() >= MAX_COOKIES => return false,
            None => self.0.push(cookie),
        }
        true
    }

    /// Forgets what is over; true when that was anything.
    pub fn expire(&mut self, now_s: u64) -> bool {
        let before = self.0.len();
        self.0.retain(|cookie| cookie.expires_s > now_s);
        self.0.len() != before
    }

    /// The value of the `Cookie` header for a request to `to`, which must be of the jar's origin.
    pub fn header(&self, to: &Endpoint) -> Option<String> {
        let path = to.path.split('?').next().unwrap_or("/");
        let mut sent: Vec<&Cookie> = self
            .0
            .iter()
            .filter(|cookie| covers(&cookie.path, path) && (!cookie.secure || to.scheme.is_tls()))
            .collect();
        // The longest path first (RFC 6265 5.4).
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = sent
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn parse(text: &str, from: &Endpoint, now_s: u64) -> Option<Cookie> {
    let mut parts = text.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let is_sendable = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    if name.is_empty()
        || name.len() + value.len() > MAX_BYTES
        || !is_sendable(name)
        || !is_sendable(value)
    {
        return None;
    }
    let mut cookie = Cookie {
        name: name.to_owned(),
        value: value.to_owned(),
        path: default_path(&from.path),
        secure: false,
        expires_s: u64::MAX,
    };
    let mut max_age = None;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.secure = true,
            "domain" if !is_domain_of(value, &from.host) => return None,
            // Zero and less mean "forget it".
            "max-age" => {
                let seconds: Option<i64> = value.parse().ok();
                max_age = seconds.map(|s| now_s.saturating_add_signed(s.max(0)));
            }
            "expires" => cookie.expires_s = date(value).unwrap_or(cookie.expires_s),
            _ => {}
        }
    }
    // Max-Age wins over Expires (RFC 6265 5.3).
    cookie.expires_s = max_age.unwrap_or(cookie.expires_s);
    Some(cookie)
}

fn is_domain_of(domain: &str, host: &str) -> bool {
    let (domain, host) = (
        domain.trim_start_matches('.').to_ascii_lowercase(),
        host.to_ascii_lowercase(),
    );
    domain.is_empty()
        || host == domain
        || host
            .strip_suffix(&domain)
            .is_some_and(|rest| rest.ends_with('.'))
}

/// Up to the last slash, without it (RFC 6265 5.1.4).
fn default_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or("/");
    match path.rfind('/') {
        None | Some(0) => "/".to_owned(),
        Some(slash) => path[..slash].to_owned(),
    }
}

fn covers(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}

/// A date as servers write it, `Wed, 21 Oct 2026 07:28:00 GMT` or with dashes, as Unix seconds.
fn date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let lower = text.to_ascii_lowercase();
    let mut words = lower
        .split([' ', ',', '-'])
        .filter(|word| !word.is_empty())
        .skip(1);
    let day: u64 = words
        .next()?
        .parse()
        .ok()
        .filter(|day| (1..=31).contains(day))?;
    let month = words.next()?;
    let month = MONTHS.iter().position(|name| month.starts_with(name))? as u64;
    let year: u64 = match words.next()?.parse().ok()? {
        year @ 0..70 => 2_000 + year,
        year @ 70..100 => 1_900 + year,
        year @ 1_970..10_000 => year,
        _ => return None,
    };
    let mut clock = words
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Days since 1970-01-01, counted in years that begin with March.
    let (y, m) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let days = (y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1)
        .checked_sub(719_468)?;
    Some(days * 86_400 + hour.min(24) * 3_600 + minute.min(60) * 60 + second.min(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn at(url: &str) -> Endpoint {
        Endpoint::parse(url).unwrap()
    }

    #[test]
    fn a_cookie_comes_back_where_its_path_and_scheme_let_it() {
        let (here, tls) = (at("http://h/app/mcp"), at("https://h/app/mcp"));
        let mut jar = Jar::default();
        assert!(jar.take("route=a1; Path=/; HttpOnly; SameSite=Lax", &here, NOW));
        assert!(jar.take("near=b; Path=/app", &here, NOW));
        assert!(jar.take("far=c; path=/apple", &here, NOW));
        assert!(jar.take("safe=\"d e\"; Secure", &here, NOW));
        assert_eq!(jar.header(&here).unwrap(), "near=b; route=a1");
        assert_eq!(jar.header(&tls).unwrap(), "near=b; safe=\"d e\"; route=a1");
        assert!(!jar.take("route=a1; Path=/", &here, NOW), "nothing new");
        assert!(jar.take("route=a2; Path=/", &here, NOW));
        assert_eq!(jar.header(&at("http://h/other")).unwrap(), "route=a2");
    }

    #[test]
    fn a_cookie_ends_with_its_time_and_max_age_wins() {
        let here = at("http://h/mcp");
        let mut jar = Jar::default();
        assert!(jar.take(
            "a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            &here,
            NOW
        ));
        assert!(jar.take("b=2; Expires=Fri, 15-Jan-27 08:00:05 GMT", &here, NOW));
        assert_eq!(jar.header(&here).unwrap(), "a=1; b=2");
        assert!(jar.expire(NOW + 5) && !jar.expire(NOW + 6));
        assert_eq!(jar.header(&here).unwrap(), "a=1");
        assert!(jar.take("a=; Max-Age=0", &here, NOW) && jar.is_empty());
        assert!(!jar.take("c=3; Max-Age=-1", &here, NOW));
        assert_eq!(date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(date("Tue, 29 Feb 2028 00:00:00 GMT"), Some(1_835_395_200));
        assert_eq!(date("soon"), None);
    }

    #[test]
    fn what_is_not_ours_or_too_much_is_not_kept() {
        let here = at("http://a.example/mcp");
        let mut jar = Jar::default();
        for bad in [
            "x",
            "=1",
            "x=1; Domain=b.example",
            "x=1; Domain=ample",
            "x=a\u{7}b",
        ] {
            assert!(!jar.take(bad, &here, NOW), "{bad}");
        }
        assert!(!jar.take(&format!("x={}", "y".repeat(5_000)), &here, NOW));
        assert!(jar.take("x=1; Domain=.example", &here, NOW));
        for n in 0..100 {
            jar.take(&format!("c{n}=1"), &here, NOW);
        }
        assert_eq!(jar.0.len(), MAX_COOKIES);
    }
}
