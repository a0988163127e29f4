//! The record of a target that is called through a proxy: the proxy's address, and what a client needs to be taken for one
//! that called the server itself.

use super::fields::Fields;
use super::{Path, Way};
use protocol::endpoint::{Endpoint, Scheme};
use record::kind::Target;
use std::net::SocketAddr;

/// The line to pass on instead of the one that came; `None` where it stays. `via`: who we are.
///
/// # Errors
/// A sentence: the target is called as it was, and no fault of the network can hit it.
pub fn rewrite(
    path: &Path,
    target: &Target,
    line: &[u8],
    via: &str,
) -> Result<Option<Vec<u8>>, String> {
    if target.is_gone() {
        path.close(target.key());
        return rewritten(line, |fields| fields.set_where_missing("name", &target.url));
    }
    let way = path.lead(target)?;
    rewritten(line, |fields| redirect(fields, target, &way, via))
}

fn rewritten(line: &[u8], change: impl FnOnce(&mut Fields)) -> Result<Option<Vec<u8>>, String> {
    let mut fields: Fields = serde_json::from_slice(line).map_err(|e| e.to_string())?;
    change(&mut fields);
    let mut new = serde_json::to_vec(&fields).map_err(|e| e.to_string())?;
    // The blanks at its end, if it has any: they are the line's.
    let end = line.trim_ascii_end().len();
    new.extend_from_slice(&line[end..]);
    Ok(Some(new))
}

fn redirect(fields: &mut Fields, target: &Target, way: &Way, via: &str) {
    // Everyone keys targets by name, and the name of one without is its URL, which is another's now.
    fields.set_where_missing("name", &target.url);
    fields.set_where_missing("origin_url", &target.url);
    fields.set("via", via);
    let at = match way {
        Way::At(at) => *at,
        Way::By(command) => return fields.set("url", &format!("stdio:{command}")),
    };
    fields.set("url", &moved(&target.url, at));
    let Ok(endpoint) = Endpoint::parse(&target.url) else {
        return;
    };
    if !matches!(endpoint.scheme, Scheme::Tcp | Scheme::Tcps) {
        fields.set_where_missing("host_header", &endpoint.host_header());
    }
    if endpoint.scheme.is_tls() {
        fields.set_where_missing("tls_server_name", &endpoint.host);
    }
}

/// The URL with another host and port.
fn moved(url: &str, at: SocketAddr) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let path = rest.find(['/', '?', '#']).map_or("", |path| &rest[path..]);
    format!("{scheme}://{at}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::Proxies;
    use record::Record;
    use serde_json::{Value, json};

    fn path() -> Path {
        Path::new(Proxies::start(|_| {}).unwrap(), true)
    }

    fn pass(path: &Path, line: &str) -> Result<Value, String> {
        let record = Record::parse(line.as_bytes()).unwrap();
        let record::Body::Target(target) = record.body else {
            panic!("{line}");
        };
        let new = rewrite(path, &target, line.as_bytes(), "mcp-chaos#1")?;
        let new = new.unwrap_or_else(|| line.as_bytes().to_vec());
        Ok(serde_json::from_slice(&new).unwrap())
    }

    #[test]
    fn a_target_is_called_through_the_proxy_as_if_it_were_called_itself() {
        let path = path();
        let line = r#"{"type":"target","name":"a","url":"http://127.0.0.1:4711/mcp?x=1","pid":7,"shoe_size":44}"#;
        let new = pass(&path, line).unwrap();
        let at = path.proxies().list()[0].listen;
        assert_eq!(new["url"], format!("http://{at}/mcp?x=1"));
        assert_eq!(new["origin_url"], "http://127.0.0.1:4711/mcp?x=1");
        assert_eq!(new["host_header"], "127.0.0.1:4711");
        assert_eq!(
            (&new["via"], &new["name"]),
            (&json!("mcp-chaos#1"), &json!("a"))
        );
        assert_eq!((&new["pid"], &new["shoe_size"]), (&json!(7), &json!(44)));
        assert_eq!(new.get("tls_server_name"), None);
    }

    #[test]
    fn over_tls_the_name_in_the_certificate_is_still_asked_for_and_what_was_given_stays() {
        let path = path();
        let new = pass(&path, r#"{"type":"target","url":"wss://localhost/mcp"}"#).unwrap();
        assert_eq!(
            (&new["tls_server_name"], &new["host_header"]),
            (&json!("localhost"), &json!("localhost"))
        );
        assert_eq!(new["name"], "wss://localhost/mcp", "what it was known by");
        let given = r#"{"type":"target","name":"b","url":"https://localhost:1/","host_header":"h","tls_server_name":"n","origin_url":"o"}"#;
        let new = pass(&path, given).unwrap();
        assert_eq!(
            (
                &new["tls_server_name"],
                &new["host_header"],
                &new["origin_url"]
            ),
            (&json!("n"), &json!("h"), &json!("o"))
        );
        let new = pass(
            &path,
            r#"{"type":"target","name":"c","url":"tcp://localhost:1"}"#,
        )
        .unwrap();
        assert_eq!(new.get("host_header"), None);
    }

    #[test]
    fn who_comes_back_elsewhere_has_the_same_proxy_and_who_is_gone_has_a_closed_one() {
        let path = path();
        let line = |port: u16, state: &str| {
            format!(
                r#"{{"type":"target","name":"a","url":"ws://127.0.0.1:{port}/mcp","state":"{state}"}}"#
            )
        };
        let first = pass(&path, &line(4711, "up")).unwrap();
        pass(&path, &line(4711, "gone")).unwrap();
        assert!(!path.proxies().list()[0].enabled);
        let again = pass(&path, &line(4712, "up")).unwrap();
        assert_eq!(first["url"], again["url"]);
        let shown = path.proxies().list();
        assert_eq!(shown.len(), 1);
        assert!(shown[0].enabled && shown[0].upstream.port() == 4712);
    }

    #[test]
    fn a_command_is_started_behind_a_relay_that_brings_its_ends_to_the_proxy() {
        let path = path();
        let line = r#"{"type":"target","name":"c","url":"stdio:some-server 'it''s' --x"}"#;
        let new = pass(&path, line).unwrap();
        let command = new["url"].as_str().unwrap().strip_prefix("stdio:").unwrap();
        let words = undo::words(command).unwrap();
        assert_eq!(words[1..3], ["relay-stdio", "--to"]);
        assert_eq!(words[6..], ["--", "some-server", "its", "--x"]);
        // What a shell must read is one word for the shell.
        let line = r#"{"type":"target","name":"d","url":"stdio:a 'b' | c"}"#;
        let new = pass(&path, line).unwrap();
        let words = undo::words(new["url"].as_str().unwrap()).unwrap();
        assert_eq!(words[7..], ["/bin/sh", "-c", "a 'b' | c"]);
        assert_eq!(
            pass(&path, line).unwrap()["url"],
            new["url"],
            "the same way again"
        );
        assert!(path.proxies().list().iter().all(|p| !p.enabled));
    }

    #[test]
    fn who_cannot_have_a_proxy_is_called_as_before_and_the_reason_is_kept() {
        let path = path();
        let line = r#"{"type":"target","name":"s","url":"http://localhost:99999/mcp"}"#;
        assert!(pass(&path, line).unwrap_err().contains("no port"));
        assert!(path.leads_to("s").unwrap_err().contains("no port"));
        assert!(path.leads_to("nobody").is_err());
    }
}
