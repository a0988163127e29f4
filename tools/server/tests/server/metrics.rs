//! `/metrics`: the five series, in a form that Prometheus reads, and the right numbers.

use std::collections::BTreeSet;

use serde_json::json;
use server::Options;

use crate::support::*;

#[test]
fn there_are_exactly_five_metrics_and_each_line_is_well_formed() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    ws.call(&echo(1));
    let page = server.http().send("GET", "/metrics", &[], "");
    assert!(
        page.header("content-type")
            .unwrap()
            .starts_with("text/plain; version=0.0.4")
    );
    let text = page.text();
    let names: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let expected = [
        "mcp_server_connections_active",
        "mcp_server_errors_total",
        "mcp_server_request_duration_ms",
        "mcp_server_requests_total",
        "mcp_server_sessions_active",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(series.ends_with('}') && series.contains("=\""), "{line}");
    }
}

#[test]
fn calls_connections_sessions_and_errors_are_counted() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    ws.call(&initialize(1, "2025-11-25"));
    for id in 0..5 {
        ws.call(&echo(id));
    }
    ws.call(&tool(6, "fail", json!({})));
    ws.call(&tool(7, "nobody", json!({})));
    ws.send_text("nonsense");
    ws.receive();
    let calls = |outcome: &str| {
        server.metric(&format!(
            "mcp_server_requests_total{{method=\"tools/call\",transport=\"websocket\",era=\"legacy\",outcome=\"{outcome}\"}}"
        ))
    };
    assert_eq!(
        (calls("ok"), calls("tool_error"), calls("rpc_error")),
        (5.0, 1.0, 1.0)
    );
    let errors =
        |class: &str| server.metric(&format!("mcp_server_errors_total{{class=\"{class}\"}}"));
    assert_eq!(
        (
            errors("tool_error"),
            errors("invalid_params"),
            errors("parse_error")
        ),
        (1.0, 1.0, 1.0)
    );
    assert_eq!(
        server.metric("mcp_server_request_duration_ms_count{method=\"tools/call\"}"),
        7.0
    );
    assert_eq!(
        server.metric("mcp_server_request_duration_ms_bucket{method=\"tools/call\",le=\"+Inf\"}"),
        7.0
    );
    assert_eq!(
        server.metric("mcp_server_connections_active{transport=\"websocket\"}"),
        1.0
    );
    assert_eq!(
        server.metric("mcp_server_sessions_active{transport=\"websocket\"}"),
        1.0
    );
    drop(ws);
    server.until_metric(
        "mcp_server_connections_active{transport=\"websocket\"}",
        0.0,
    );
    assert_eq!(
        server.metric("mcp_server_sessions_active{transport=\"websocket\"}"),
        0.0
    );
}
