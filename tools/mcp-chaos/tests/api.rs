//! Toxiproxy's API: which answer a request gets, with proxies that are only on paper.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use mcp_chaos::api::Paper;
use record::kind::Fault;
use serde_json::{Value, json};

fn ask_with(api: &Paper, method: &str, path: &str, headers: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost:8474\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = String::from_utf8(api.answer(request.as_bytes())).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

fn ask(api: &Paper, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    ask_with(api, method, path, "", &body)
}

fn get(api: &Paper, path: &str) -> (u16, Value) {
    ask(api, "GET", path, Value::Null)
}

fn delete(api: &Paper, path: &str) -> u16 {
    ask(api, "DELETE", path, Value::Null).0
}

/// The error that something is answered with.
#[track_caller]
fn refused(api: &Paper, method: &str, path: &str, body: Value, status: u16) -> String {
    let (found, answer) = ask(api, method, path, body);
    assert_eq!((found, &answer["status"]), (status, &json!(status)));
    answer["error"].as_str().unwrap().to_owned()
}

fn told(api: &Paper) -> Vec<Fault> {
    let told = api.told().into_iter();
    told.map(|told| told.record(None)).collect()
}

#[track_caller]
fn assert_told(api: &Paper, wanted: &[(&str, &str, &str)]) {
    let told = told(api);
    let found: Vec<(&str, &str, &str)> = told
        .iter()
        .map(|f| (f.id.as_str(), f.state.as_str(), f.kind.as_str()))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_proxy_is_made_shown_changed_and_deleted() {
    let api = Paper::default();
    let new = json!({"name": "db", "upstream": "db.example:5432"});
    let (status, made) = ask(&api, "POST", "/proxies", new.clone());
    let wanted = json!({
        "name": "db", "listen": made["listen"], "upstream": "db.example:5432", "enabled": true, "toxics": [],
    });
    assert_eq!((status, &made), (201, &wanted));
    assert!(made["listen"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(get(&api, "/proxies/db"), (200, made.clone()));
    assert_eq!(get(&api, "/proxies").1["db"], made);

    let taken = refused(&api, "POST", "/proxies", new, 409);
    assert!(taken.starts_with("proxy already exists"), "{taken}");
    for (body, text) in [
        (json!({}), "missing required field: name"),
        (json!({"name": "x"}), "missing required field: upstream"),
        (
            json!({"name": "x", "upstream": "nowhere"}),
            "bad request body: upstream",
        ),
        (
            json!({"name": 7, "upstream": "x:1"}),
            "bad request body: name is to be a text",
        ),
        (json!([]), "bad request body: an object was expected"),
    ] {
        let error = refused(&api, "POST", "/proxies", body, 400);
        assert!(error.starts_with(text), "{error}");
    }

    let (_, changed) = ask(&api, "PATCH", "/proxies/db", json!({"upstream": "other:1"}));
    assert_eq!(changed["upstream"], "other:1");
    assert_eq!(changed["listen"], made["listen"]);
    let (_, moved) = ask(
        &api,
        "POST",
        "/proxies/db",
        json!({"listen": "127.0.0.2:9"}),
    );
    assert_eq!(moved["listen"], "127.0.0.2:9");
    assert_eq!(delete(&api, "/proxies/db"), 204);
    assert_eq!(delete(&api, "/proxies/db"), 404);
    assert_told(&api, &[]);
}

#[test]
fn a_toxic_has_a_name_of_its_own_and_keeps_what_is_not_changed() {
    let api = Paper::default();
    let toxics = "/proxies/local-1/toxics";
    let new = json!({"type": "latency", "attributes": {"latency": 200, "jitter": 50.5}});
    let (status, made) = ask(&api, "POST", toxics, new.clone());
    let wanted = json!({
        "name": "latency_downstream", "type": "latency", "stream": "downstream", "toxicity": 1,
        "attributes": {"latency": 200, "jitter": 50.5},
    });
    assert_eq!((status, &made["name"]), (200, &wanted["name"]));
    assert_eq!(made["attributes"], wanted["attributes"]);
    assert_eq!(made["toxicity"].as_f64(), Some(1.0));
    refused(&api, "POST", toxics, new, 409);
    // As some clients have written it since Toxiproxy 1.
    let other = json!({"Name": "slow", "Stream": "upstream", "Type": "bandwidth", "Attributes": {"Rate": 64}});
    assert_eq!(ask(&api, "POST", toxics, other).1["attributes"]["rate"], 64);

    let path = "/proxies/local-1/toxics/latency_downstream";
    let change = json!({"toxicity": 0.25, "attributes": {"latency": 300}});
    let (_, changed) = ask(&api, "PATCH", path, change);
    assert_eq!(
        changed["attributes"],
        json!({"latency": 300, "jitter": 50.5})
    );
    assert_eq!(changed["toxicity"], 0.25);
    assert_eq!(get(&api, path).1, changed);
    let all = get(&api, toxics).1;
    let names: Vec<&Value> = all.as_array().unwrap().iter().map(|t| &t["name"]).collect();
    assert_eq!(names, ["f1", "latency_downstream", "slow"]);
    assert_eq!(delete(&api, path), 204);
    assert_eq!(get(&api, path).0, 404);
    assert_told(
        &api,
        &[
            ("api-1", "began", "latency"),
            ("api-2", "began", "bandwidth"),
            ("api-1", "ended", "latency"),
            ("api-1.2", "began", "latency"),
            ("api-1.2", "ended", "latency"),
        ],
    );
    for (body, text) in [
        (json!({"type": "noop"}), "invalid toxic type"),
        (
            json!({"type": "timeout", "stream": "both"}),
            "stream was invalid",
        ),
        (
            json!({"type": "latency", "attributes": {"latncy": 1}}),
            "bad request body: latency has no attribute",
        ),
        (
            json!({"type": "latency", "attributes": {"latency": "1s"}}),
            "bad request body: latency is to be a number",
        ),
        (
            json!({"type": "latency", "toxicity": 2}),
            "bad request body: latency: toxicity",
        ),
    ] {
        let error = refused(&api, "POST", toxics, body, 400);
        assert!(error.starts_with(text), "{error}");
    }
    refused(
        &api,
        "POST",
        "/proxies/nobody/toxics",
        json!({"type": "timeout"}),
        404,
    );
}

#[test]
fn faults_of_the_plan_and_proxies_of_targets_are_shown_and_stay() {
    let api = Paper::default();
    let (_, shown) = get(&api, "/proxies/local-1/toxics/f1");
    assert_eq!(
        (
            &shown["type"],
            &shown["stream"],
            &shown["attributes"]["latency"]
        ),
        (&json!("latency"), &json!("upstream"), &json!(50))
    );
    let error = refused(
        &api,
        "DELETE",
        "/proxies/local-1/toxics/f1",
        Value::Null,
        409,
    );
    assert!(error.contains("fault of the plan"), "{error}");
    refused(&api, "PATCH", "/proxies/local-1/toxics/f1", json!({}), 409);
    refused(
        &api,
        "POST",
        "/proxies/local-1/toxics",
        json!({"name": "f1", "type": "timeout"}),
        409,
    );
    let error = refused(&api, "DELETE", "/proxies/local-1", Value::Null, 409);
    assert!(error.contains("target of the pipeline"), "{error}");
    refused(
        &api,
        "PATCH",
        "/proxies/local-1",
        json!({"upstream": "127.0.0.1:9"}),
        409,
    );
    refused(
        &api,
        "POST",
        "/populate",
        json!([{"name": "local-1", "upstream": "127.0.0.1:9"}]),
        409,
    );

    let (status, down) = ask(&api, "POST", "/proxies/local-1", json!({"enabled": false}));
    assert_eq!((status, &down["enabled"]), (200, &json!(false)));
    assert_eq!(ask(&api, "POST", "/reset", Value::Null).0, 204);
    let (_, up) = get(&api, "/proxies/local-1");
    assert_eq!(up["enabled"], true);
    assert_eq!(
        up["toxics"].as_array().unwrap().len(),
        1,
        "that of the plan"
    );
    assert_told(
        &api,
        &[("api-1", "began", "down"), ("api-1", "ended", "down")],
    );
}

#[test]
fn to_populate_twice_is_as_good_as_once_and_all_of_it_is_wrong_where_one_is() {
    let api = Paper::default();
    let all = json!([
        {"name": "a", "listen": "127.0.0.1:0", "upstream": "x:1"},
        {"name": "b", "listen": "127.0.0.1:77", "upstream": "x:2", "enabled": false},
    ]);
    let (status, first) = ask(&api, "POST", "/populate", all.clone());
    assert_eq!(status, 201);
    assert_eq!(first["proxies"][1]["enabled"], false);
    let toxic = json!({"type": "timeout", "attributes": {"timeout": 5}});
    ask(&api, "POST", "/proxies/a/toxics", toxic);
    let (status, second) = ask(&api, "POST", "/populate", all);
    assert_eq!(status, 201);
    assert_eq!(
        second["proxies"][0]["listen"],
        first["proxies"][0]["listen"]
    );
    assert_eq!(
        second["proxies"][0]["toxics"][0]["name"],
        "timeout_downstream"
    );
    assert_eq!(second["proxies"][1], first["proxies"][1]);

    let before = get(&api, "/proxies");
    for wrong in [
        json!([{"name": "c", "upstream": "x:1"}, {"name": "d"}]),
        json!([{"name": "c", "upstream": "x:1"}, {"name": "c", "upstream": "x:1"}]),
        json!([{"name": "c", "upstream": "x:1"}, 7]),
        json!({"name": "c", "upstream": "x:1"}),
    ] {
        refused(&api, "POST", "/populate", wrong, 400);
        assert_eq!(get(&api, "/proxies"), before);
    }
    // Another upstream is another proxy, without the toxics of the old one.
    let other = json!([{"name": "a", "listen": "127.0.0.1:0", "upstream": "y:1"}]);
    let (_, replaced) = ask(&api, "POST", "/populate", other);
    assert_eq!(replaced["proxies"][0]["toxics"], json!([]));
    assert_told(
        &api,
        &[("api-1", "began", "timeout"), ("api-1", "ended", "timeout")],
    );
}

#[test]
fn there_is_an_end_to_proxies_and_to_toxics() {
    let api = Paper::default();
    let named = |n: usize| json!({"name": format!("p{n}"), "upstream": "x:1"});
    let all: Vec<Value> = (1..1_000).map(named).collect();
    assert_eq!(ask(&api, "POST", "/populate", json!(all)).0, 201);
    refused(&api, "POST", "/proxies", named(1_000), 400);
    let toxic = |n: usize| json!({"name": format!("t{n}"), "type": "slow_close"});
    for n in 1..100 {
        assert_eq!(
            ask(&api, "POST", "/proxies/local-1/toxics", toxic(n)).0,
            200
        );
    }
    let error = refused(&api, "POST", "/proxies/local-1/toxics", toxic(100), 400);
    assert!(error.contains("at most 100 toxics"), "{error}");
    let long = json!({"name": "n".repeat(256), "upstream": "x:1"});
    refused(&api, "POST", "/proxies", long, 400);
    let head = format!("x: {}\r\n", "y".repeat(17_000));
    assert_eq!(ask_with(&api, "GET", "/proxies", &head, "").0, 431);
    let body = " ".repeat(1_048_577);
    assert_eq!(ask_with(&api, "POST", "/populate", "", &body).0, 413);
}

#[test]
fn browsers_strangers_and_other_methods_are_refused() {
    let api = Paper::default();
    for headers in [
        "user-agent: Mozilla/5.0 (X11)\r\n",
        "origin: http://evil.example\r\n",
    ] {
        assert_eq!(ask_with(&api, "GET", "/proxies", headers, "").0, 403);
    }
    let foreign = b"GET /proxies HTTP/1.1\r\nhost: evil.example\r\n\r\n";
    assert!(api.answer(foreign).starts_with(b"HTTP/1.1 403 "));
    assert_eq!(get(&api, "/nothing").0, 404);
    let error = refused(&api, "PUT", "/proxies/local-1", Value::Null, 405);
    assert!(error.contains("GET, POST, PATCH, DELETE"), "{error}");
    let put = b"PUT /reset HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = String::from_utf8(api.answer(put)).unwrap();
    assert!(answer.contains("\r\nallow: POST\r\n"), "{answer}");
    let (_, version) = get(&api, "/version");
    let version = version["version"].as_str().unwrap();
    assert!(
        version.starts_with("2.") && version.contains("mcp-chaos"),
        "{version}"
    );
}

#[test]
fn in_the_end_all_is_taken_back_and_nothing_more_is_taken() {
    let api = Paper::default();
    ask(
        &api,
        "POST",
        "/proxies/local-1/toxics",
        json!({"type": "partition"}),
    );
    ask(&api, "POST", "/proxies/local-1", json!({"enabled": false}));
    api.wind_down();
    assert_told(
        &api,
        &[
            ("api-1", "began", "partition"),
            ("api-2", "began", "down"),
            ("api-1", "ended", "partition"),
            ("api-2", "ended", "down"),
        ],
    );
    refused(
        &api,
        "POST",
        "/proxies/local-1/toxics",
        json!({"type": "timeout"}),
        503,
    );
    assert_eq!(get(&api, "/proxies").0, 200);
    assert_told(&api, &[]);
}
