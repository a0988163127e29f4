//! Takes secrets out of a command line before it goes into a record: header values, tokens, userinfo.

const GONE: &str = "[redacted]";

/// The arguments with their secrets replaced by `[redacted]`.
#[must_use]
pub fn arguments(args: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut secret_follows = None;
    args.into_iter()
        .map(|arg| {
            if let Some(flag) = secret_follows.take() {
                return value(flag, &arg);
            }
            match arg.split_once('=') {
                Some((flag, rest)) if Flag::of(flag).is_some() => {
                    let shown = Flag::of(flag).map_or_else(String::new, |f| value(f, rest));
                    format!("{flag}={shown}")
                }
                _ => {
                    secret_follows = Flag::of(&arg);
                    if arg.contains(' ') {
                        command(&arg)
                    } else {
                        url(&arg)
                    }
                }
            }
        })
        .map(crate::envelope::cut)
        .collect()
}

#[derive(Clone, Copy)]
enum Flag {
    /// `Name: value`, of which the name may be seen.
    Header,
    Secret,
}

impl Flag {
    fn of(arg: &str) -> Option<Self> {
        let name = arg
            .strip_prefix('-')?
            .trim_start_matches('-')
            .to_ascii_lowercase();
        if name == "h" && !arg.starts_with("--") && arg != "-h" || name == "header" {
            return Some(Self::Header);
        }
        // Where a secret lies is none, and who repeats the run has to know it.
        let tells_where = ["-file", "-url", "-env"]
            .iter()
            .any(|end| name.ends_with(end));
        (is_secret_name(&name) && !tells_where).then_some(Self::Secret)
    }
}

fn value(flag: Flag, text: &str) -> String {
    match (flag, text.split_once(':')) {
        // A file with headers.
        (Flag::Header, _) if text.starts_with('@') => text.to_owned(),
        (Flag::Header, Some((name, _))) => format!("{name}: {GONE}"),
        _ => GONE.to_owned(),
    }
}

/// Whether the name of a flag or of a query parameter speaks of a secret.
fn is_secret_name(name: &str) -> bool {
    [
        "token", "secret", "password", "passwd", "api-key", "api_key", "apikey",
    ]
    .iter()
    .any(|s| name.contains(s))
}

/// A command line whose secrets are replaced, as [`arguments`] does it.
fn command(line: &str) -> String {
    arguments(line.split(' ').map(str::to_owned)).join(" ")
}

/// A text with the userinfo of a URL in it, and secret-looking query parameters, replaced.
#[must_use]
pub fn url(text: &str) -> String {
    if text.starts_with("stdio:") && text.contains(' ') {
        return command(text);
    }
    let Some(begin) = text.find("://").map(|i| i + 3) else {
        return text.to_owned();
    };
    let (scheme, rest) = text.split_at(begin);
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    let authority = authority.rsplit_once('@').map_or_else(
        || authority.to_owned(),
        |(_, host)| format!("{GONE}@{host}"),
    );
    let tail = match tail.split_once('?') {
        Some((path, query)) => {
            let shown: Vec<String> = query
                .split('&')
                .map(|pair| match pair.split_once('=') {
                    Some((name, _)) if is_secret_name(&name.to_ascii_lowercase()) => {
                        format!("{name}={GONE}")
                    }
                    _ => pair.to_owned(),
                })
                .collect();
            format!("{path}?{}", shown.join("&"))
        }
        None => tail.to_owned(),
    };
    format!("{scheme}{authority}{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_reaches_the_record() {
        let args = [
            "mcp-gen",
            "--header",
            "Authorization: Bearer abc",
            "-H",
            "X-Key: abc",
            "--header=Cookie: abc",
            "--token",
            "abc",
            "--url",
            "https://me:abc@host/mcp?api_key=abc&x=1",
            "--help-me=abc",
            "-H",
            "@file",
            "--oauth-token-url",
            "https://login/token",
            "--oauth-client-secret-file",
            "secret",
            "--stdio",
            "server --api-key abc --verbose",
        ];
        let shown = arguments(args.map(str::to_owned));
        assert_eq!(
            shown
                .iter()
                .filter(|a| a.contains("abc"))
                .collect::<Vec<_>>(),
            ["--help-me=abc"]
        );
        assert_eq!(shown[2], "Authorization: [redacted]");
        assert_eq!(
            shown[9],
            "https://[redacted]@host/mcp?api_key=[redacted]&x=1"
        );
        assert_eq!(shown[12..17], args[12..17]);
        assert_eq!(shown[18], "server --api-key [redacted] --verbose");
        assert_eq!(
            url("stdio:server --token abc x"),
            "stdio:server --token [redacted] x"
        );
    }
}
