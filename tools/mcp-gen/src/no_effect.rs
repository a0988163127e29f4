//! Options that change nothing in this run: whoever gives one expects something of it, so each is told.

use crate::cli::Cli;
use crate::groups::Group;
use crate::home::Home;
use crate::menu::Labels;
use crate::profile::Leave;
use protocol::h2::Http2;
use protocol::revision::Era;
use protocol::transport::Transport;
use record::kind::Warning;
use std::sync::Arc;

/// The options without effect on calls with these labels to these servers.
#[must_use]
pub fn warnings(cli: &Cli, groups: &[Group], homes: &[Arc<Home>], labels: &Labels) -> Vec<Warning> {
    let any = |fits: fn(&Home) -> bool| homes.iter().any(|home| fits(home));
    let over = |transports: &[Transport]| {
        let mut homes = homes.iter();
        homes.any(|home| transports.contains(&home.transport))
    };
    let calls = |fits: fn(&str) -> bool| labels.all().iter().any(|label| fits(&label.method));
    let has_head = over(&[Transport::Http, Transport::Sse, Transport::Ws]);
    let has_header = !cli.header.is_empty() || !cli.header_env.is_empty();
    let is_deleted =
        any(|home| home.dialect.era == Era::Legacy && home.transport == Transport::Http)
            && groups
                .iter()
                .any(|group| group.comings.leave != Leave::Abandon);
    let calls_tools = calls(|method| method == "tools/call");
    let names_tools = !(cli.tool.is_empty() && cli.skip_tool.is_empty() && cli.args.is_empty());
    let is_many = any(|home| home.http2 || !matches!(home.transport, Transport::Http));
    let rows = [
        (
            has_header && !has_head,
            "--header and --header-env",
            "lines and children know no headers",
            "call the server over HTTP or WebSocket where it wants them",
        ),
        (
            cli.oauth_token_url.is_some() && !has_head,
            "--oauth-token-url",
            "lines and children know no headers, so nobody gets the token",
            "call the server over HTTP or WebSocket where it wants one",
        ),
        (
            cli.host_header.is_some() && !has_head,
            "--host-header",
            "lines and children know no headers",
            "leave it out",
        ),
        (
            (cli.ca_file.is_some() || cli.insecure)
                && !any(|home| home.endpoint.scheme.is_tls())
                && !cli
                    .oauth_token_url
                    .iter()
                    .any(|url| url.starts_with("https:")),
            if cli.insecure {
                "--insecure"
            } else {
                "--ca-file"
            },
            "nothing goes over TLS",
            "write https://, wss:// or tcps:// where it should",
        ),
        (
            cli.http2 == Http2::Always && !over(&[Transport::Http]),
            "--http2 always",
            "only Streamable HTTP goes over HTTP/2",
            "give an http:// or https:// URL, or leave it out",
        ),
        (
            cli.ws_append_newline && !over(&[Transport::Ws]),
            "--ws-append-newline",
            "no target is called over WebSocket",
            "write ws:// or wss://, or leave it out",
        ),
        (
            cli.no_ws_subprotocol && !over(&[Transport::Ws]),
            "--no-ws-subprotocol",
            "no target is called over WebSocket",
            "write ws:// or wss://, or leave it out",
        ),
        (
            cli.max_connections.is_some() && !over(&[Transport::Http, Transport::Sse]),
            "--max-connections",
            "a client has several connections over HTTP alone, and one elsewhere",
            "raise --clients, or --in-flight, or leave it out",
        ),
        (
            cli.in_flight.is_some() && !cli.closed && !is_many,
            "--in-flight",
            "a connection of HTTP/1.1 carries one call at a time",
            "use --max-connections",
        ),
        (
            !cli.source_address.is_empty() && !any(|home| home.transport != Transport::Stdio),
            "--source-address",
            "children are not connected to",
            "leave it out",
        ),
        (
            cli.call_deleted && !is_deleted,
            "--call-deleted",
            "no client deletes a session: only legacy ones over HTTP are, and not with --leave abandon",
            "give --protocol legacy and an http:// URL, or leave it out",
        ),
        (
            cli.manners.cancel_after.is_some() && groups.iter().all(|g| g.cancel.is_none()),
            "--cancel-after",
            "no calls are cancelled",
            "say how many are with --cancel 5%",
        ),
        (
            (cli.all_tools || names_tools) && !calls_tools,
            "--tool, --skip-tool, --all-tools and --args",
            "no tool is called",
            "give a --profile that has tools/call, such as normal",
        ),
        (
            cli.manners.progress.is_some_and(|share| share > 0.0) && !calls_tools,
            "--progress",
            "no tool is called",
            "give a --profile that has tools/call, such as normal",
        ),
        (
            cli.manners.pages.is_some() && !calls(|method| method.ends_with("/list")),
            "--pages",
            "no list is asked for",
            "give a --profile that has lists, such as low-load",
        ),
        (
            cli.failover.is_some()
                && !homes
                    .iter()
                    .any(|a| homes.iter().any(|b| a.can_stand_in(b))),
            "--failover",
            "no two targets offer the same over the same transport",
            "name the replicas of one server",
        ),
    ];
    let rows = rows.into_iter().filter(|(is_idle, ..)| *is_idle);
    rows.map(|(_, option, why, remedy)| {
        Warning::new(
            "no_effect",
            format!("{option}: without effect, since {why}"),
        )
        .remedy(remedy)
    })
    .collect()
}
