//! The paths of the API, and the methods that each has.

use super::refusal::Refusal;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `/proxies`
    Proxies,
    /// `/proxies/NAME`
    Proxy(String),
    /// `/proxies/NAME/toxics`
    Toxics(String),
    /// `/proxies/NAME/toxics/NAME`
    Toxic(String, String),
    /// `/populate`
    Populate,
    /// `/reset`
    Reset,
    /// `/version`
    Version,
    /// `/metrics`
    Metrics,
}

impl Place {
    /// Reads a path. Names in it may be percent-encoded, which those with a `/` must be.
    ///
    /// # Errors
    /// There is no such path.
    pub fn of(path: &str) -> Result<Self, Refusal> {
        let parts: Option<Vec<String>> = path.split('/').skip(1).map(decoded).collect();
        let parts = parts.unwrap_or_default();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Ok(match parts[..] {
            ["proxies"] => Self::Proxies,
            ["proxies", name] if !name.is_empty() => Self::Proxy(name.to_owned()),
            ["proxies", name, "toxics"] if !name.is_empty() => Self::Toxics(name.to_owned()),
            ["proxies", name, "toxics", toxic] if !name.is_empty() && !toxic.is_empty() => {
                Self::Toxic(name.to_owned(), toxic.to_owned())
            }
            ["populate"] => Self::Populate,
            ["reset"] => Self::Reset,
            ["version"] => Self::Version,
            ["metrics"] => Self::Metrics,
            _ => {
                return Err(Refusal::new(
                    404,
                    "there is no such path: there are /proxies, /proxies/NAME, /proxies/NAME/toxics, /proxies/NAME/toxics/NAME, /populate, /reset, /version and /metrics",
                ));
            }
        })
    }

    /// The refusal of a method that it does not have.
    pub fn other_method(&self) -> Refusal {
        let allow = match self {
            Self::Proxies | Self::Toxics(_) => "GET, POST",
            Self::Proxy(_) | Self::Toxic(..) => "GET, POST, PATCH, DELETE",
            Self::Populate | Self::Reset => "POST",
            Self::Version | Self::Metrics => "GET",
        };
        Refusal {
            allow: Some(allow),
            ..Refusal::new(405, format!("method not allowed: use {allow}"))
        }
    }
}

/// A part of a path without its percent encoding; `None` where that is none, or no UTF-8.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        // from_str_radix takes a sign.
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_proxies_and_toxics_by_names_of_any_kind() {
        let name = |n: &str| n.to_owned();
        for (path, place) in [
            ("/proxies", Place::Proxies),
            ("/proxies/a", Place::Proxy(name("a"))),
            ("/proxies/a%2Fb%20c", Place::Proxy(name("a/b c"))),
            ("/proxies/toxics/toxics", Place::Toxics(name("toxics"))),
            ("/proxies/a/toxics/b", Place::Toxic(name("a"), name("b"))),
            ("/populate", Place::Populate),
            ("/reset", Place::Reset),
        ] {
            assert_eq!(Place::of(path), Ok(place), "{path}");
        }
        for path in [
            "",
            "/",
            "proxies",
            "/proxies/",
            "/proxies//toxics",
            "/proxies/a/b",
            "/proxies/a/toxics/",
            "/proxies/%2",
            "/proxies/%+1",
            "/proxies/%ff",
            "/proxies/é%",
        ] {
            assert_eq!(Place::of(path).map_err(|r| r.status), Err(404), "{path}");
        }
    }
}
