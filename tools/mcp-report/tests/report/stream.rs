//! Composes streams as the tools write them, and runs mcp-report on them.

use record::kind::{Dialect, End, Generator, Interval, Ready, Stage, Start, Summary};
use record::{Body, Histogram, Identity};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

pub const RUN: &str = "20261123T175233-7k3f9a2m";
pub const T0_US: u64 = 1_795_456_353_000_000;
pub const GEN: &str = "mcp-gen#3f2a9c";
pub const SCRAPE: &str = "mcp-scrape#0b1c2d";
pub const DEPLOY: &str = "mcp-deploy#a1b2c3";

/// A stream in the making.
#[derive(Clone, Default)]
pub struct Stream {
    pub bytes: Vec<u8>,
    pub seq: BTreeMap<String, u64>,
}

impl Stream {
    pub fn put(&mut self, from: &str, body: impl Into<Body>) -> &mut Self {
        self.put_in(RUN, from, body)
    }

    pub fn put_in(&mut self, run: &str, from: &str, body: impl Into<Body>) -> &mut Self {
        let seq = self.seq.entry(from.to_owned()).or_default();
        let identity = Identity {
            run: run.to_owned(),
            from: from.to_owned(),
        };
        identity.encode(*seq, T0_US + *seq, &body.into(), &mut self.bytes);
        *seq += 1;
        self
    }

    pub fn raw(&mut self, line: &str) -> &mut Self {
        self.bytes.extend_from_slice(line.as_bytes());
        self
    }

    pub fn start(&mut self, from: &str) -> &mut Self {
        let tool = from.split('#').next().unwrap().to_owned();
        let start = Start {
            args: vec![tool.clone(), "--for".into(), "10s".into()],
            tool,
            version: "0.1.0".into(),
            pid: 4_711,
            host: "bench-1".into(),
            kernel: "6.18.44".into(),
            cpus: 2,
            seed: from.starts_with("mcp-gen").then_some(7),
            ..Start::default()
        };
        self.put(from, start)
    }

    pub fn end(&mut self, from: &str, why: &str) -> &mut Self {
        let exit = if why == "failed" { 2 } else { 0 };
        self.put(
            from,
            End {
                why: why.into(),
                exit,
                ..End::default()
            },
        )
    }

    pub fn ready(&mut self, generators: u32) -> &mut Self {
        let ready = Ready {
            t0_us: T0_US,
            generators: Some(generators),
            ..Ready::default()
        };
        self.put(DEPLOY, ready)
    }

    /// The lines without those that hold all of `parts`.
    pub fn without(&self, parts: &[&str]) -> Self {
        let text = String::from_utf8(self.bytes.clone()).unwrap();
        let keep = text
            .split_inclusive('\n')
            .filter(|l| !parts.iter().all(|p| l.contains(p)));
        let kept: String = keep.collect();
        assert_ne!(kept, text, "nothing holds {parts:?}");
        Self {
            bytes: kept.into_bytes(),
            ..Self::default()
        }
    }
}

/// The calls of one row, all in the stage `steady` of 10 s unless told otherwise.
#[derive(Clone)]
pub struct Row {
    pub stage: &'static str,
    pub method: &'static str,
    pub tool: Option<&'static str>,
    /// Of the ok calls.
    pub response_us: Vec<u64>,
    pub errors: Vec<(&'static str, u64)>,
    pub codes: Vec<(&'static str, u64)>,
    pub lag_us: u64,
    /// Calls that were never sent.
    pub unsent: u64,
}

/// Calls to the tool `echo`, with latencies from 1 µs to `n` µs.
pub fn echo(n: u64) -> Row {
    row("tools/call", Some("echo"), (1..=n).collect())
}

pub fn row(method: &'static str, tool: Option<&'static str>, response_us: Vec<u64>) -> Row {
    Row {
        stage: "steady",
        method,
        tool,
        response_us,
        errors: vec![],
        codes: vec![],
        lag_us: 20,
        unsent: 0,
    }
}

impl Row {
    pub fn errors(mut self, errors: &[(&'static str, u64)]) -> Self {
        self.errors = errors.to_vec();
        self
    }
}

/// One generator's records, from its start to its end.
pub struct Load {
    pub from: &'static str,
    pub rows: Vec<Row>,
    pub health: Generator,
    pub why: &'static str,
}

impl Load {
    pub fn of(rows: Vec<Row>) -> Self {
        let health = Generator {
            model: "open".into(),
            clients: 25,
            threads: 1,
            cpu_us: 3_000_000,
            wall_us: 12_000_000,
            max_gap_us: 900,
            steal_percent: Some(0.1),
            connects: 25,
            ..Generator::default()
        };
        Self {
            from: GEN,
            rows,
            health,
            why: "done",
        }
    }

    /// The stream of a plain pipeline: mcp-deploy | mcp-gen.
    pub fn stream(&self) -> Stream {
        let mut s = Stream::default();
        s.start(self.from).start(DEPLOY).ready(1);
        self.write(&mut s);
        s
    }

    /// All but the start.
    pub fn write(&self, s: &mut Stream) {
        let stage = Stage {
            stage: "steady".into(),
            state: "began".into(),
            start_us: T0_US + 2_000_000,
            planned_us: 10_000_000,
            clients: Some(25),
            asked_per_s: Some(self.rows.iter().map(Row::asked_per_s).sum()),
            ..Stage::default()
        };
        s.put(self.from, stage);
        let mut total = Summary {
            is_final: true,
            start_us: T0_US,
            span_us: 12_000_000,
            ..Summary::default()
        };
        for row in &self.rows {
            for half in 0..2 {
                s.put(self.from, row.interval(half));
            }
            let summary = row.summary();
            total.scheduled += summary.scheduled;
            total.sent += summary.sent;
            total.ok += summary.ok;
            for (class, n) in &summary.errors {
                *total.errors.entry(class.clone()).or_default() += n;
            }
            s.put(self.from, summary);
        }
        total.generator = Some(self.health.clone());
        total.dialects = Some(vec![Dialect {
            origin: "ws://127.0.0.1:15001".into(),
            era: "modern".into(),
            revision: "2026-07-28".into(),
            transport: "ws".into(),
            http: None,
            server: Some("reference 0.1.0".into()),
        }]);
        s.put(self.from, total);
        s.end(self.from, self.why);
    }
}

impl Row {
    fn scheduled(&self) -> u64 {
        self.response_us.len() as u64 + self.errors.iter().map(|e| e.1).sum::<u64>()
    }

    fn asked_per_s(&self) -> f64 {
        self.scheduled() as f64 / 10.0
    }

    /// The summary of the whole row.
    fn summary(&self) -> Summary {
        let scheduled = self.scheduled();
        let lag = histogram(std::iter::repeat_n(self.lag_us, scheduled as usize));
        let names = |of: &[(&str, u64)]| of.iter().map(|(n, c)| ((*n).to_owned(), *c)).collect();
        Summary {
            stage: Some(self.stage.into()),
            profile: Some("normal".into()),
            method: Some(self.method.into()),
            tool: self.tool.map(str::to_owned),
            start_us: T0_US + 2_000_000,
            span_us: 10_000_000,
            asked_per_s: Some(self.asked_per_s()),
            scheduled,
            sent: scheduled - self.unsent,
            ok: self.response_us.len() as u64,
            ok_in_stage: self.response_us.len() as u64,
            errors: names(&self.errors),
            codes: names(&self.codes),
            sent_bytes: scheduled * 700,
            received_bytes: scheduled * 600,
            response: Some(histogram(self.response_us.iter().copied()).with_hdr()),
            service: Some(histogram(self.response_us.iter().map(|us| us / 2)).with_hdr()),
            lag: Some(lag.with_hdr()),
            first: self.part(3),
            last: self.part(6),
            ..Summary::default()
        }
    }

    /// A part of the ok calls' time, of calls to tools only.
    fn part(&self, share: u64) -> Option<record::Latency> {
        let parts = self.response_us.iter().map(|us| us / share);
        self.tool.map(|_| histogram(parts).with_hdr())
    }

    /// One of two intervals that add up to the summary: the ok calls in the first, the others in the second.
    fn interval(&self, half: u64) -> Interval {
        let whole = self.summary();
        let (ok, errors) = (half == 0, half == 1);
        Interval {
            stage: self.stage.into(),
            profile: "normal".into(),
            target: format!("local-{}", half + 1),
            method: self.method.into(),
            tool: whole.tool,
            start_us: whole.start_us + half * 5_000_000,
            span_us: 5_000_000,
            scheduled: if ok {
                whole.ok
            } else {
                whole.scheduled - whole.ok
            },
            sent: if ok { whole.ok } else { whole.sent - whole.ok },
            ok: if ok { whole.ok } else { 0 },
            ok_in_stage: if ok { whole.ok } else { 0 },
            errors: if errors {
                whole.errors
            } else {
                BTreeMap::new()
            },
            codes: if errors { whole.codes } else { BTreeMap::new() },
            response: if ok { whole.response } else { None },
            service: if ok { whole.service } else { None },
            ..Interval::default()
        }
    }
}

pub fn histogram(values: impl Iterator<Item = u64>) -> Histogram {
    let mut h = Histogram::default();
    values.for_each(|us| h.record(us));
    h
}

/// What mcp-report made of a stream.
pub struct Report {
    pub stdout: String,
    pub stderr: String,
    pub exit: Option<i32>,
}

pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcp-report"));
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn report(stream: &Stream, args: &[&str]) -> Report {
    let mut child = command(args).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = stream.bytes.clone();
    // It may leave before it has read all, on a usage error.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Report::of(output)
}

impl Report {
    pub fn of(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code(),
        }
    }

    /// The verdict record of `--format json`.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}{}", self.stdout, self.stderr))
    }
}

/// The verdict record that a stream gives, and the exit status.
pub fn verdict(stream: &Stream, args: &[&str]) -> (serde_json::Value, i32) {
    let args: Vec<&str> = ["--format", "json"]
        .into_iter()
        .chain(args.iter().copied())
        .collect();
    let report = report(stream, &args);
    (report.json(), report.exit.unwrap())
}
