//! Tests of profiles: what is built in has the figures that its users know, and mistakes are told with their place.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use super::*;

const GOOD: &str = "name = \"mine\"\nclients = 3\nrate = \"5/s\"\n[methods]\nping = 1\n";

fn complaint(text: &str) -> String {
    Profile::parse("mine.toml", text).unwrap_err()
}

#[test]
fn the_profiles_that_are_built_in_have_the_figures_that_their_users_know() {
    let figures: Vec<_> = shipped::all()
        .map(|name| {
            let p = Profile::find(name).unwrap();
            assert_eq!(p.name, name);
            let methods: Vec<_> = p.methods.keys().map(|m| m.name()).collect();
            let timeout = p.timeout.as_secs();
            (
                name,
                p.clients,
                p.rate_per_s,
                p.payload_bytes,
                timeout,
                methods,
            )
        })
        .collect();
    assert_eq!(
        figures,
        [
            (
                "normal",
                25,
                100.0,
                512,
                10,
                vec!["tools/call", "resources/list", "resources/read"]
            ),
            (
                "high-load",
                50,
                1_000.0,
                2_048,
                10,
                vec!["tools/call", "resources/read", "prompts/get"]
            ),
            (
                "low-load",
                10,
                10.0,
                256,
                10,
                vec!["tools/list", "resources/list"]
            ),
            ("slow-client", 5, 1.0, 256, 60, vec!["resources/read"]),
            (
                "message-bomber",
                20,
                10_000.0,
                128,
                10,
                vec!["ping", "server/discover"]
            ),
        ]
    );
    assert!(Profile::find("slow-client").unwrap().slow_read.is_some());
}

#[test]
fn a_mistake_is_told_with_its_line_its_column_and_what_is_expected() {
    assert!(Profile::parse("mine.toml", GOOD).is_ok());
    for (text, words) in [
        (
            GOOD.replace("clients", "cleints"),
            "line 2, column 1: unknown field `cleints`",
        ),
        (
            GOOD.replace("\"5/s\"", "\"fast\""),
            "line 3, column 8: \"fast\" is no rate",
        ),
        (
            GOOD.replace("\"5/s\"", "true"),
            "line 3, column 8: invalid type: boolean `true`, expected a rate such as",
        ),
        (
            GOOD.replace("ping", "pong"),
            "line 5, column 1: unknown variant `pong`, expected one of `tools/call`",
        ),
        (
            GOOD.replace("ping = 1", "ping = -1"),
            "line 5, column 8: invalid value",
        ),
        (
            GOOD.replace("ping = 1", "ping = 0"),
            "line 4, column 1: no method, [[call]] or [[sequence]] has a weight",
        ),
        (
            GOOD.replace("3", "0"),
            "line 2, column 1: clients must be 1 to",
        ),
        (
            GOOD.replace("\"mine\"", "\"my own\""),
            "line 1, column 1: a profile's name",
        ),
        (
            GOOD.replace("rate = \"5/s\"\n", ""),
            "line 2, column 1: how often these clients call is not said",
        ),
        (GOOD.replace("[methods]", "[methods"), "line 4, column 9: "),
        (
            format!("{GOOD}[slow_read]\nbytes = 0\nevery = \"1s\"\n"),
            "line 6, column 1: a client that reads 0 bytes",
        ),
        (
            format!("{GOOD}[slow_read]\nbytes = 1\nevery = \"1us\"\n"),
            "the pause of slow_read is 1ms or more",
        ),
    ] {
        let said = complaint(&text);
        assert!(
            said.starts_with("mine.toml") && said.contains(words),
            "{said}\nwanted: {words}"
        );
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn a_profile_that_is_not_there_is_told_with_those_that_are() {
    let said = Profile::find("heavy").unwrap_err();
    assert!(
        said.contains("use normal, high-load") && said.contains(".toml"),
        "{said}"
    );
    let said = Profile::find("/no/such/file.toml").unwrap_err();
    assert!(said.contains("/no/such/file.toml"), "{said}");
}
