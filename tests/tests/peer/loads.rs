//! Every profile, every shape and every kind of abuse on servers that we did not write, over each transport that they offer.
//! What the servers make of a load is theirs; that each call asked for is made, answered and counted is ours.

use super::alone;
use super::peer::{Peer, installed, script};
use pipe_tests::{Pipeline, Stream, abuse, assert_conserved, assert_intervals_add_up, scheduled};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Which tool answers at once, wherever it is.
const ECHO: &str = "--tool echo";

/// A server of somebody else, over a transport.
struct Place {
    /// What it is, for messages.
    name: &'static str,
    /// What mcp-gen finds out.
    transport: &'static str,
    /// `--url …` or `--stdio …`.
    target: String,
    /// The server where it is no child of the generator.
    _peer: Option<Peer>,
}

impl Place {
    fn served(name: &'static str, of: &str, mode: &str, transport: &'static str) -> Self {
        let peer = Peer::start(of, mode);
        Self {
            name,
            transport,
            target: format!("--url {}", peer.url()),
            _peer: Some(peer),
        }
    }

    fn child(name: &'static str, command: &str) -> Self {
        Self {
            name,
            transport: "stdio",
            target: format!("--stdio '{command}'"),
            _peer: None,
        }
    }

    /// Makes the load, and holds its counts against each other.
    #[track_caller]
    fn load(&self, options: &str, before: &str) -> Stream {
        let done = Pipeline::new(format!(
            "mcp-gen {} {options} --interval 200ms --seed 7 -q | tee run.jsonl | mcp-report -q --json report.json",
            self.target
        ))
        .before(before)
        .patience(Duration::from_secs(120))
        .run();
        done.assert_stages_and_report(&[0, 0], "report.json");
        let stream = done.recorded("run.jsonl");
        assert_intervals_add_up(&stream);
        assert_conserved(&stream);
        assert_eq!(
            stream.totals()["dialects"][0]["transport"],
            self.transport,
            "{}",
            self.name
        );
        stream
    }

    /// The same, where every call is to be answered well.
    #[track_caller]
    fn load_well(&self, options: &str) -> Stream {
        let stream = self.load(options, "");
        let totals = stream.totals();
        assert!(totals["ok"].as_u64() > Some(0), "{}: {totals}", self.name);
        assert_eq!(
            totals["ok"], totals["scheduled"],
            "{} {options}: {}",
            self.name, totals["errors"]
        );
        stream
    }

    /// Until each of its children can have said hello; a Python takes a second of CPU for that.
    fn connect_for(&self) -> &'static str {
        match self.transport {
            "stdio" => "--connect-for 4s",
            _ => "--connect-for 1s",
        }
    }
}

fn everything() -> String {
    let index = "node/node_modules/@modelcontextprotocol/server-everything/dist/index.js";
    format!("node {} stdio", installed(index))
}

fn python(of: &str) -> String {
    let server = script(&format!("{of}_server.py"));
    let python = installed(&format!("{of}/bin/python"));
    format!("{python} {server} --mode stdio")
}

/// Runs a test at each place, one after the other: other servers over other transports stand in the tests of peers.rs.
fn at_each(test: impl Fn(&Place)) {
    let _alone = alone();
    test(&Place::child("server-everything over stdio", &everything()));
    test(&Place::child("PyPI mcp 2 over stdio", &python("py2")));
    test(&Place::served("PyPI mcp 1 over SSE", "py1", "sse", "sse"));
    test(&Place::served(
        "PyPI mcp 1 over WebSocket",
        "py1",
        "ws",
        "ws",
    ));
}

/// The five profiles with rates that a slow server can do, so that none drowns the others; a resource of server-everything is
/// 3 s on its way to a slow client.
const TAMED: &str = "mcp-gen profiles show slow-client | sed 's/^clients = .*/clients = 1/' > slow-client.toml
for p in normal high-load low-load message-bomber; do
    mcp-gen profiles show $p | sed 's/^clients = .*/clients = 1/; s/^rate = .*/rate = \"10\\/s\"/' > $p.toml
done";
const ALL_PROFILES: &str = "--profile normal.toml --profile high-load.toml --profile low-load.toml --profile slow-client.toml \
     --profile message-bomber.toml";

/// Calls of a profile by method, as (scheduled, ok).
fn by_method(stream: &Stream, profile: &str) -> BTreeMap<String, (u64, u64)> {
    let rows = stream.of("summary").into_iter();
    let own = rows.filter(|s| s["profile"] == profile && s["method"] != "connect");
    let mut sums = BTreeMap::new();
    for row in own {
        let method = row["method"].as_str().expect("a method").to_owned();
        let count = |name: &str| row[name].as_u64().expect("a count");
        let (scheduled, ok) = sums.entry(method).or_insert((0, 0));
        *scheduled += count("scheduled");
        *ok += count("ok");
    }
    sums
}

/// Sessions of a profile that were opened in the whole run.
fn opened(stream: &Stream, profile: &str) -> u64 {
    let rows = stream.of("summary").into_iter();
    let own = rows.filter(|s| s["profile"] == profile);
    own.filter_map(|s| s["sessions"]["opened"].as_u64()).sum()
}

/// All profiles beside each other and beside a crowd that stays, at rates that change, with arrivals by chance.
#[test]
fn each_profile_and_rates_that_change_are_kept_on_servers_of_others() {
    at_each(|place| {
        let stream = place.load(
            &format!(
                "{ALL_PROFILES} --idle 1 --arrivals poisson --stages 'rate 20..80/s in 1s, hold 400ms, spike 100/s for 200ms, step 25/s for 400ms' {} {ECHO} --timeout 20s",
                place.connect_for()
            ),
            TAMED,
        );
        let totals = stream.totals();
        assert_eq!(totals["generator"]["arrivals"], "poisson");
        assert_eq!(totals["generator"]["clients"], 5);
        let late = !stream.warnings("late_client").is_empty();
        // The seed is fixed, and four deviations are 28 at most; a client that connects late has fewer calls.
        for (stage, calls) in [
            ("ramp-1", 50),
            ("hold-2", 32),
            ("spike-3", 20),
            ("step-4", 10),
        ] {
            let found = scheduled(&stream, stage);
            assert!(
                found <= calls + 28 && (late || found + 28 >= calls && found > 0),
                "{} {stage}: {found} calls were due, and {calls} were asked for",
                place.name
            );
        }
        let era = &totals["dialects"][0]["era"];
        let cheapest = if era == "modern" {
            "server/discover"
        } else {
            "ping"
        };
        for (profile, methods) in [
            ("normal", "resources/list resources/read tools/call"),
            ("high-load", "prompts/get resources/read tools/call"),
            ("low-load", "resources/list tools/list"),
            ("slow-client", "resources/read"),
            ("message-bomber", cheapest),
        ] {
            let called = by_method(&stream, profile);
            let wanted: BTreeSet<&str> = methods.split(' ').collect();
            let found: BTreeSet<&str> = called.keys().map(String::as_str).collect();
            assert!(
                found.is_subset(&wanted),
                "{} {profile}: {called:?}",
                place.name
            );
            assert!(!found.is_empty(), "{} {profile}", place.name);
            for (method, (scheduled, ok)) in called {
                // server-everything refuses arguments of some prompts that it does not know, and has no schema for them.
                assert!(
                    ok == scheduled || method == "prompts/get",
                    "{} {profile} {method}: {}",
                    place.name,
                    totals["errors"]
                );
            }
        }
        assert_eq!(opened(&stream, "idle"), 1, "{}", place.name);
    });
}

#[test]
fn users_who_think_come_and_go_at_once_and_with_sessions_of_their_own_on_servers_of_others() {
    at_each(|place| {
        let stream = place.load_well(&format!(
            "--closed --think exp:50ms --churn=9 --leave mixed --stages '1 clients for 800ms, storm 3 for 1s, ..1 in 400ms' {} {ECHO} --timeout 20s",
            place.connect_for()
        ));
        let generator = &stream.totals()["generator"];
        assert_eq!(
            (&generator["model"], &generator["clients"]),
            (&"closed".into(), &3.into()),
            "{}",
            place.name
        );
        // Who has not been connected when it is to leave again, has had no session.
        let least = if place.transport == "stdio" { 1 } else { 3 };
        assert!(opened(&stream, "normal") >= least, "{}", place.name);
    });
}

#[test]
fn a_knee_is_searched_and_bad_clients_are_counted_apart_over_stdio_on_servers_of_others() {
    let _alone = alone();
    for (name, command) in [
        ("server-everything", everything()),
        ("PyPI mcp 1", python("py1")),
    ] {
        let place = Place::child(name, &command);
        // Whatever these can do, an answer takes them longer than a microsecond: each step says no.
        let stream = place.load_well(&format!(
            "--clients 6 --shared-connections 1 --find-knee 'p50 < 1us' --knee-from 20/s --knee-step 500ms --connect-for 3s \
             --method tools/call {ECHO} --abuse all=2% --abuse-hold 3s --timeout 4s",
        ));
        let knee = &stream.totals()["knee"];
        assert!(knee["rate_per_s"].is_null(), "{name}: {knee}");
        assert_eq!(knee["steps"][0]["rate_per_s"], 20.0, "{name}: {knee}");
        assert_eq!(stream.totals()["generator"]["connects"], 1, "{name}");
        let counted = abuse(&stream);
        let kinds: BTreeSet<&str> = counted.keys().map(String::as_str).collect();
        // Nobody else is there to be served, and a parent may be slow as it likes.
        let wanted = "duplicate_id invalid_params malformed_json never_reads oversized_body truncated_frame unknown_method wrong_version";
        assert_eq!(kinds, wanted.split(' ').collect(), "{name}");
        println!("{name}: {counted:#?}");
    }
}
