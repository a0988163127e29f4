//! Tests of filled calls: each is valid, a function of seed, client and index, and says in headers what it says in its body.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use super::*;
use protocol::revision::Revision;
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};

fn table(order: Order) -> Arc<Table> {
    // A folder a call: tests run side by side, and one must not read what another is about to write.
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("mcpipe-fill-{}-{call}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = format!("{order:?}.jsonl");
    let lines = "{\"name\":\"Zoë \\\"Z\\\"\",\"age\":7}\n{\"name\":\"Al\",\"age\":8}\n{\"name\":\"Bo\",\"age\":9}\n";
    std::fs::write(folder.join(&file), lines).unwrap();
    let source = toml::from_str(&format!(
        "file = \"{file}\"\norder = \"{}\"",
        if order == Order::Rows {
            "rows"
        } else {
            "random"
        }
    ));
    let table = Table::load("people", &source.unwrap(), &folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    Arc::new(table)
}

/// The message of an occasion, and what stands in its headers.
fn made(
    compiled: &(Template, Option<Fill>),
    on: &Occasion<'_>,
) -> (Value, Option<String>, Vec<(String, String)>) {
    let mut filled = Filled::default();
    let (template, fill) = compiled;
    fill.as_ref().unwrap().render(template, on, &mut filled);
    let mut digits = protocol::template::IdDigits::new();
    let bytes = Template::parts_around(4, &mut digits, &filled.suffix).concat();
    assert_eq!(bytes.len(), Template::len_around(4, &filled.suffix));
    let routing = filled.routing(template);
    (
        serde_json::from_slice(&bytes).unwrap(),
        routing.name.map(str::to_owned),
        routing.params.to_vec(),
    )
}

fn occasion(seed: u64, client: u32, index: u64) -> Occasion<'static> {
    Occasion {
        seed,
        client,
        clients: 2,
        index,
        taken: &[],
    }
}

fn compiled(
    params: Value,
    schema: Option<&Value>,
    revision: Revision,
    tables: &[Arc<Table>],
) -> (Template, Option<Fill>) {
    let mut scope = Scope {
        tables,
        ..Scope::default()
    };
    let method = if params.get("uri").is_some() {
        "resources/read"
    } else {
        "tools/call"
    };
    compile(method, params, schema, &Dialect::new(revision), &mut scope).unwrap()
}

#[test]
fn a_call_is_a_function_of_seed_client_and_index() {
    let params = json!({"name": "t", "arguments": {
        "id": "{{uuid}}", "other": "{{uuid}}", "n": "{{random_int -3 3}}", "text": "<{{random_string 40}}> {{open}}x}}",
        "seq": "{{seq}}", "label": "{{client}}/{{seq}}", "word": "{{text seq}}", "plain": "as it is",
    }});
    let call = compiled(params, None, Revision::V2025_11_25, &[]);
    let of = |seed, client, index| {
        made(&call, &occasion(seed, client, index)).0["params"]["arguments"].clone()
    };
    let first = of(1, 3, 9);
    assert_eq!(first, of(1, 3, 9));
    for other in [of(2, 3, 9), of(1, 4, 9), of(1, 3, 10)] {
        assert_ne!(
            (&first["id"], &first["text"]),
            (&other["id"], &other["text"])
        );
    }
    assert_ne!(first["id"], first["other"]);
    assert_eq!((&first["seq"], &first["word"]), (&json!(9), &json!("9")));
    assert_eq!(
        (&first["label"], &first["plain"]),
        (&json!("3/9"), &json!("as it is"))
    );
    let text = first["text"].as_str().unwrap();
    assert!(
        text.len() == 40 + 2 + 6 && text.starts_with('<') && text.ends_with("> {{x}}"),
        "{text}"
    );
    let id = first["id"].as_str().unwrap();
    let dashes: Vec<usize> = id.match_indices('-').map(|(at, _)| at).collect();
    assert_eq!(
        (id.len(), dashes, &id[14..15]),
        (36, vec![8, 13, 18, 23], "4")
    );
    let numbers: std::collections::BTreeSet<i64> = (0..200)
        .map(|i| of(1, 0, i)["n"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, (-3..=3).collect());
}

#[test]
fn rows_come_in_turn_over_all_clients_or_by_the_seed_and_a_call_has_one_row() {
    let params = json!({"name": "t", "arguments": {"who": "{{people.name}}", "age": "{{people.age}}", "both": "{{people.name}} {{people.age}}"}});
    let call = compiled(
        params.clone(),
        None,
        Revision::V2025_11_25,
        &[table(Order::Rows)],
    );
    let ages: Vec<Value> = [(0, 0), (1, 0), (0, 1), (1, 1)]
        .map(|(client, index)| {
            made(&call, &occasion(5, client, index)).0["params"]["arguments"]["age"].clone()
        })
        .into();
    assert_eq!(ages, [7, 8, 9, 7]);
    let first = made(&call, &occasion(5, 0, 0)).0["params"]["arguments"].clone();
    assert_eq!(
        first,
        json!({"who": "Zoë \"Z\"", "age": 7, "both": "Zoë \"Z\" 7"})
    );

    let call = compiled(params, None, Revision::V2025_11_25, &[table(Order::Random)]);
    let drawn = |seed| -> Vec<i64> {
        let age = |i| {
            made(&call, &occasion(seed, 0, i)).0["params"]["arguments"]["age"]
                .as_i64()
                .unwrap()
        };
        (0..40).map(age).collect()
    };
    assert_eq!(drawn(5), drawn(5));
    assert_ne!(drawn(5), drawn(6));
    assert!([7, 8, 9].iter().all(|age| drawn(5).contains(age)));
}

#[test]
fn headers_of_the_modern_era_say_what_the_body_says() {
    let schema = json!({"properties": {"who": {"type": "string", "x-mcp-header": "Who"}, "fixed": {"x-mcp-header": "Fixed"}}});
    let params = json!({"name": "t", "arguments": {"who": "{{people.name}}", "fixed": "yes"}});
    let tables = [table(Order::Rows)];
    let call = compiled(params, Some(&schema), Revision::V2026_07_28, &tables);
    for (index, who) in [(0, "Zoë \"Z\""), (1, "Bo")] {
        let (body, name, mut headers) = made(&call, &occasion(5, 0, index));
        assert_eq!(body["params"]["arguments"]["who"], who);
        assert_eq!(name.as_deref(), Some("t"));
        headers.sort();
        let told: Vec<_> = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str(),
                    header::decode_value(value).unwrap().into_owned(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("Mcp-Param-Fixed", "yes".to_owned()),
                ("Mcp-Param-Who", who.to_owned())
            ]
        );
    }
    let call = compiled(
        json!({"uri": "mem://{{seq}}"}),
        None,
        Revision::V2026_07_28,
        &[],
    );
    let (body, name, _) = made(&call, &occasion(5, 0, 12));
    assert_eq!(
        (&body["params"]["uri"], name.as_deref()),
        (&json!("mem://12"), Some("mem://12"))
    );
    assert!(body["params"]["_meta"].is_object());
}

#[test]
fn a_call_without_placeholders_is_rendered_once() {
    let (template, fill) = compiled(
        json!({"name": "t", "arguments": {"a": "b"}}),
        None,
        Revision::V2025_11_25,
        &[],
    );
    assert!(fill.is_none() && template.name() == Some("t"));
}

#[test]
fn placeholders_that_cannot_be_are_told_with_those_that_can() {
    let tables = [table(Order::Rows)];
    for (text, words) in [
        ("{{sec}}", "use seq, client, uuid"),
        ("{{seq", "without }}"),
        ("{{random_string}}", "is no placeholder"),
        ("{{random_string many}}", "a length of at most"),
        ("{{random_int 3 1}}", "the lower one first"),
        ("{{people.nmae}}", "it has: age, name"),
        ("{{users.name}}", "write [data.users]"),
        ("{{uri}}", "an earlier step"),
    ] {
        let mut scope = Scope {
            tables: &tables,
            ..Scope::default()
        };
        let said = compile(
            "x",
            json!({"a": [text]}),
            None,
            &Dialect::new(Revision::V2025_11_25),
            &mut scope,
        );
        let said = said.unwrap_err();
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn an_audited_call_carries_a_token_of_its_own_and_looks_the_same_besides() {
    let dialect = Dialect::new(Revision::MODERN);
    let params = json!({"name": "t", "arguments": {"n": 1}, "_meta": {"mine": "{{seq}}"}});
    for token in [None, Some("run-1/3f2a/")] {
        let call = plain("tools/call", params.clone(), None, &dialect, token).unwrap();
        let Some(head) = token else {
            assert!(call.1.is_none());
            continue;
        };
        let (message, name, _) = made(&call, &occasion(1, 7, 123_456));
        assert_eq!(name.as_deref(), Some("t"));
        let meta = &message["params"]["_meta"];
        assert_eq!(meta["mcpipe/token"], format!("{head}7/123456"));
        assert_eq!(meta["mine"], "{{seq}}", "nothing else is filled in");
        assert_eq!(message["params"]["arguments"], params["arguments"]);
        assert!(
            meta.get("io.modelcontextprotocol/protocolVersion")
                .is_some()
        );
    }
    let bare = plain("ping", Value::Null, None, &dialect, Some("r/i/")).unwrap();
    let message = made(&bare, &occasion(1, 0, 0)).0;
    assert_eq!(message["params"]["_meta"]["mcpipe/token"], "r/i/0/0");
    for hostile in [
        json!({"name": "\u{1}0\u{1}"}),
        json!({"_meta": 3}),
        json!([1]),
    ] {
        assert!(plain("x", hostile, None, &dialect, Some("r/i/")).is_err());
    }
}
