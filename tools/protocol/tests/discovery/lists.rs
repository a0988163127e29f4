//! Lists come to an end, whatever the server does.

use serde_json::{Value, json};

use crate::scripted::{json_response, serve};
use crate::{legacy, meet};

#[test]
fn pages_without_end_come_to_an_end() {
    let pages = |next: fn(usize) -> String| {
        serve(move |request, log| match request.method() {
            "tools/list" => {
                let page = log.lock().unwrap().len();
                json_response(
                    200,
                    request.result(
                        json!({"tools": [{"name": format!("t{page}")}], "nextCursor": next(page)}),
                    ),
                )
            }
            "server/discover" => json_response(
                200,
                request.result(
                    json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
                ),
            ),
            other => panic!("{other}"),
        })
    };
    let endless = pages(|page| page.to_string());
    let found = meet(&endless.url());
    assert_eq!(found.catalogue.tools.len(), 100);
    assert!(found.notes[0].contains("100 pages"), "{:?}", found.notes);
    let circle = pages(|page| (page % 3).to_string());
    let found = meet(&circle.url());
    assert_eq!(found.catalogue.tools.len(), 4);
    assert!(
        found.notes[0].contains("same cursor twice"),
        "{:?}",
        found.notes
    );
    let one_huge = serve(|request, _| match request.method() {
        "tools/list" => json_response(
            200,
            request.result(json!({"tools": vec![json!({"name": "x"}); 10_001]})),
        ),
        _ => json_response(
            200,
            request.result(
                json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
            ),
        ),
    });
    assert_eq!(meet(&one_huge.url()).catalogue.tools.len(), 10_000);
}

#[test]
fn a_list_that_is_announced_and_not_known_is_a_note() {
    let server = serve(|request, _| match request.method() {
        "tools/list" => json_response(200, request.error(-32601, "no such method", Value::Null)),
        _ => legacy(request, "2025-11-25"),
    });
    let found = meet(&server.url());
    assert!(found.catalogue.tools.is_empty());
    assert!(
        found.notes[0].contains("-32601") && found.notes[0].contains("no such method"),
        "{:?}",
        found.notes
    );
}
