//! What the proxies do, in the text format of Prometheus.

use crate::proxy::Shown;
use std::fmt::Write as _;

type Value = fn(&Shown) -> u64;

const FAMILIES: [(&str, &str, &str, Value); 5] = [
    (
        "mcp_chaos_proxy_up",
        "gauge",
        "Whether the proxy's port is open",
        |p| u64::from(p.enabled),
    ),
    (
        "mcp_chaos_proxy_connections",
        "gauge",
        "Connections that there are",
        |p| p.links as u64,
    ),
    (
        "mcp_chaos_proxy_toxics",
        "gauge",
        "Toxics and faults of the plan",
        |p| p.toxics.len() as u64,
    ),
    (
        "mcp_chaos_proxy_accepted_total",
        "counter",
        "Connections that there were",
        |p| p.accepted,
    ),
    (
        "mcp_chaos_proxy_refused_total",
        "counter",
        "Connections that were reset, since the address behind refused them",
        |p| p.refused,
    ),
];

/// All families.
pub fn text(all: &[Shown]) -> String {
    let mut text = String::new();
    for (name, kind, help, value) in FAMILIES {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}");
        for proxy in all {
            let label = escaped(&proxy.name);
            let _ = writeln!(text, "{name}{{proxy=\"{label}\"}} {}", value(proxy));
        }
    }
    text
}

fn escaped(label: &str) -> String {
    label
        .replace('\\', r"\\")
        .replace('"', r#"\""#)
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_a_line_for_each_proxy_whatever_that_is_called() {
        let proxy = Shown {
            name: r#"a"b\"#.to_owned(),
            listen: ([127, 0, 0, 1], 1).into(),
            upstream: ([127, 0, 0, 1], 2).into(),
            enabled: true,
            toxics: Vec::new(),
            links: 3,
            accepted: 40,
            refused: 5,
        };
        let text = text(&[proxy]);
        assert_eq!(text.lines().count(), 3 * FAMILIES.len(), "{text}");
        assert!(
            text.contains(r#"mcp_chaos_proxy_accepted_total{proxy="a\"b\\"} 40"#),
            "{text}"
        );
    }
}
