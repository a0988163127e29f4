//! What each method answers, over a WebSocket because that is one line a call.

use serde_json::{Value, json};
use server::{Lists, Options};

use crate::support::*;

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn the_tools_do_what_they_say() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    let odd = "quote \" backslash \\ newline \n nul \0 emoji \u{1F600}";
    assert_eq!(
        text(&ws.call(&tool(1, "echo", json!({"message": odd})))),
        odd
    );
    assert_eq!(
        text(&ws.call(&tool(2, "add", json!({"a": 2, "b": 40})))),
        "42"
    );
    assert_eq!(
        text(&ws.call(&tool(3, "add", json!({"a": 0.5, "b": -2})))),
        "-1.5"
    );
    assert_eq!(
        text(&ws.call(&tool(4, "payload", json!({"bytes": 1000})))).len(),
        1000
    );
    assert_eq!(text(&ws.call(&tool(5, "slow", json!({"ms": 1})))), "done");
    let failed = ws.call(&tool(6, "fail", json!({})));
    assert_eq!(failed["result"]["isError"], true);
    assert!(failed.get("error").is_none());
}

#[test]
fn arguments_that_do_not_fit_the_schema_are_tool_errors_and_an_unknown_tool_is_32602() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    for (name, arguments) in [
        ("echo", json!({})),
        ("echo", json!({"message": 7})),
        ("echo", json!({"message": "m", "more": 1})),
        ("echo", json!(["m"])),
        ("add", json!({"a": 1})),
        ("add", json!({"a": 1, "b": 1e16})),
        ("slow", json!({"ms": 60_001})),
        ("slow", json!({"ms": -1})),
        ("slow", json!({"ms": 0.5})),
        ("fail", json!({"x": 1})),
        ("payload", json!({"bytes": 1_048_577})),
        ("progress", json!({"n": 0})),
        ("progress", json!({"n": 1001})),
    ] {
        let answer = ws.call(&tool(1, name, arguments.clone()));
        assert_eq!(
            answer["result"]["isError"], true,
            "{name} {arguments}: {answer}"
        );
    }
    for params in [
        json!({"name": "nobody"}),
        json!({}),
        json!({"name": 7}),
        json!([]),
    ] {
        assert_eq!(
            ws.call(&request(1, "tools/call", params.clone()))["error"]["code"],
            -32602,
            "{params}"
        );
    }
}

#[test]
fn the_schema_of_each_tool_is_an_object_and_only_the_cheap_ones_are_read_only() {
    let server = Running::start(Options::default());
    let listed = server
        .websocket()
        .call(&request(1, "tools/list", json!({})));
    let tools = listed["result"]["tools"].as_array().unwrap();
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "echo", "add", "slow", "fail", "payload", "progress", "log", "touch"
        ]
    );
    for tool in tools {
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        assert_eq!(schema["additionalProperties"], false, "{tool}");
        for required in schema["required"].as_array().unwrap_or(&Vec::new()) {
            assert!(
                schema["properties"][required.as_str().unwrap()]["type"].is_string(),
                "{tool}"
            );
        }
        let read_only = ["echo", "add"].contains(&tool["name"].as_str().unwrap());
        assert_eq!(
            tool["annotations"]["readOnlyHint"] == true,
            read_only,
            "{tool}"
        );
    }
}

#[test]
fn a_list_is_walked_by_its_cursors_and_a_bad_cursor_is_32602() {
    let server = Running::start(Options {
        lists: Lists {
            page_size: 4,
            resources: 10,
            resource_bytes: 64,
        },
        ..Options::default()
    });
    let mut ws = server.websocket();
    let (mut uris, mut pages, mut params) = (Vec::new(), 0, json!({}));
    loop {
        let result = ws.call(&request(1, "resources/list", params))["result"].clone();
        pages += 1;
        uris.extend(
            result["resources"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["uri"].clone()),
        );
        match result.get("nextCursor") {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => break,
        }
    }
    let expected: Vec<_> = (1..=10)
        .map(|n| json!(format!("mcpipe://text/{n}")))
        .collect();
    assert_eq!((uris, pages), (expected, 3));
    let first = ws.call(&request(1, "tools/list", json!({})));
    let of_tools = &first["result"]["nextCursor"];
    for cursor in [json!(""), json!("x"), json!(7), of_tools.clone()] {
        let answer = ws.call(&request(1, "resources/list", json!({"cursor": cursor})));
        assert_eq!(answer["error"]["code"], -32602, "{cursor}");
    }
}

#[test]
fn resources_are_read_whole_and_a_missing_one_has_the_code_of_its_era() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    let mut read = |uri: &str| ws.call(&request(1, "resources/read", json!({"uri": uri})));
    let content = &read("mcpipe://text/10")["result"]["contents"][0];
    assert_eq!(content["text"].as_str().unwrap().len(), 512);
    assert_eq!(
        (&content["uri"], &content["mimeType"]),
        (&json!("mcpipe://text/10"), &json!("text/plain"))
    );
    for (n, base64) in [
        (0, ""),
        (1, "AA=="),
        (2, "AAA="),
        (3, "AAAA"),
        (4, "AAAAAA=="),
    ] {
        assert_eq!(
            read(&format!("mcpipe://bytes/{n}"))["result"]["contents"][0]["blob"],
            base64
        );
    }
    for uri in [
        "mcpipe://text/0",
        "mcpipe://text/11",
        "mcpipe://text/01",
        "mcpipe://text/+1",
        "mcpipe://bytes/9999999",
        "file:///etc/passwd",
        "",
    ] {
        let answer = read(uri);
        assert_eq!(answer["error"]["code"], -32002, "{uri}");
        assert_eq!(answer["error"]["data"]["uri"], uri);
    }
    let missing = modern(request(
        1,
        "resources/read",
        json!({"uri": "mcpipe://text/0"}),
    ));
    assert_eq!(ws.call(&missing)["error"]["code"], -32602);
    let templates = ws.call(&request(1, "resources/templates/list", json!({})));
    assert_eq!(
        templates["result"]["resourceTemplates"][0]["uriTemplate"],
        "mcpipe://bytes/{n}"
    );
}

#[test]
fn prompts_completion_and_logging_answer_and_refuse() {
    let server = Running::start(Options::default());
    let mut ws = server.websocket();
    assert_eq!(
        ws.call(&request(1, "prompts/list", json!({})))["result"]["prompts"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let prompt = ws.call(&request(
        2,
        "prompts/get",
        json!({"name": "greeting", "arguments": {"name": "\"Ada\""}}),
    ));
    let said = prompt["result"]["messages"][0]["content"]["text"]
        .as_str()
        .unwrap();
    assert!(said.contains("\"Ada\""), "{said}");
    for params in [
        json!({"name": "greeting"}),
        json!({"name": "nobody"}),
        json!({}),
        json!({"name": "greeting", "arguments": {"name": 7}}),
    ] {
        assert_eq!(
            ws.call(&request(3, "prompts/get", params))["error"]["code"],
            -32602
        );
    }
    let mut complete = |reference: Value, name: &str, value: &str| {
        let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
        ws.call(&request(4, "completion/complete", params))
    };
    let greeting = || json!({"type": "ref/prompt", "name": "greeting"});
    let found = complete(greeting(), "name", "A");
    assert_eq!(
        found["result"]["completion"],
        json!({"values": ["Ada", "Alan"], "total": 2, "hasMore": false})
    );
    let template = json!({"type": "ref/resource", "uri": "mcpipe://bytes/{n}"});
    assert_eq!(
        complete(template, "n", "6")["result"]["completion"]["total"],
        2
    );
    assert_eq!(complete(greeting(), "nothing", "")["error"]["code"], -32602);
    assert_eq!(
        complete(json!({"type": "ref/odd"}), "name", "")["error"]["code"],
        -32602
    );
    assert_eq!(
        ws.call(&request(5, "logging/setLevel", json!({"level": "warning"})))["result"],
        json!({})
    );
    assert_eq!(
        ws.call(&request(6, "logging/setLevel", json!({"level": "loud"})))["error"]["code"],
        -32602
    );
    // What is less urgent than the level stays unsaid.
    ws.send(&tool(9, "log", json!({"n": 3, "level": "info"})));
    assert_eq!(ws.receive()["id"], 9);
    ws.send(&tool(10, "log", json!({"n": 2, "level": "error"})));
    for k in [1, 2] {
        let message = ws.receive();
        assert_eq!(message["method"], "notifications/message");
        assert_eq!(message["params"]["level"], "error");
        assert_eq!(message["params"]["data"], format!("message {k} of 2"));
    }
    assert_eq!(ws.receive()["id"], 10);
    // A modern client says a level with each call, and hears nothing without.
    let mut call = modern(tool(11, "log", json!({"level": "error"})));
    ws.send(&call);
    assert_eq!(ws.receive()["id"], 11);
    call["params"]["_meta"]["io.modelcontextprotocol/logLevel"] = json!("debug");
    ws.send(&call);
    assert_eq!(ws.receive()["method"], "notifications/message");
    assert_eq!(ws.receive()["id"], 11);
    assert_eq!(ws.call(&request(7, "ping", json!({})))["result"], json!({}));
    assert_eq!(
        ws.call(&request(8, "no/such", json!({})))["error"]["code"],
        -32601
    );
}
