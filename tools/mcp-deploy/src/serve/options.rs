//! From the flags of `mcp-deploy serve` to the options of the server.

use server::{AnswerForm, Eras, Gone, Limits, Lists, Options};

use super::args::{Form, GoneArg, ServeArgs, Spoken};

impl ServeArgs {
    /// What the server is told.
    pub(super) fn into_options(self) -> Options {
        let (events, truth, limits) = (self.events, self.truth, self.limits);
        Options {
            answers: match self.answers {
                Form::Json => AnswerForm::Json,
                Form::Sse => AnswerForm::Sse,
            },
            eras: match self.eras {
                Spoken::Both => Eras::Both,
                Spoken::Legacy => Eras::Legacy,
                Spoken::Modern => Eras::Modern,
            },
            stateless: self.stateless,
            lists: Lists {
                page_size: self.page_size.get(),
                resources: self.resources as usize,
                resource_bytes: self.resource_size,
            },
            allow_hosts: self.allow_host,
            allow_origins: self.allow_origin,
            limits: Limits {
                body_bytes: limits.max_body,
                frame_bytes: limits.max_frame,
                header_bytes: limits.max_header,
                sessions: limits.max_sessions,
                connections: limits.max_connections,
                in_flight: limits.max_in_flight,
                idle: limits.idle,
                request: limits.request_timeout,
                ..Limits::default()
            },
            latency: truth.latency,
            stall: truth.stall,
            workers: truth.workers,
            contention: truth.contention,
            leak_bytes_per_session: truth.leak.unwrap_or(0),
            error_rate: truth.error_rate,
            seed: truth.seed,
            truth: truth.truth,
            change_every: events.change_every,
            session_ttl: events.session_ttl,
            gone: match events.session_gone {
                GoneArg::NotFound => Gone::NotFound,
                GoneArg::BadRequest => Gone::BadRequest,
            },
            cut_streams: events.cut_streams,
            resumable_answers: events.resumable_answers,
            cookie: events.cookie,
            audit: events.audit,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::path::PathBuf;
    use std::time::Duration;

    use clap::Parser;
    use server::Latency;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn options(line: &str) -> Result<Options, clap::Error> {
        let words = std::iter::once("serve").chain(line.split_whitespace());
        Alone::try_parse_from(words).map(|alone| alone.serve.into_options())
    }

    #[test]
    fn every_knob_of_the_known_truth_reaches_the_server() {
        let options = options(
            "--latency lognormal:median=5ms,sigma=0.5 --stall 1s/10s --workers 4 --contention 0.02,0.0005 \
             --leak 1kB/session --error-rate 1% --seed 7 --truth t.jsonl --max-body 1MiB --idle 5m --answers sse \
             --change-every 1s --session-ttl 10s --session-gone 400 --cut-streams 2s --cookie sticky --audit a.jsonl",
        )
        .unwrap();
        assert!(matches!(options.latency, Some(Latency::Lognormal { .. })));
        assert_eq!(
            options.stall.map(|stall| stall.every),
            Some(Duration::from_secs(10))
        );
        assert_eq!(options.workers, NonZeroUsize::new(4));
        assert_eq!(
            options.contention.map(|contention| contention.kappa),
            Some(0.0005)
        );
        assert_eq!(
            (
                options.leak_bytes_per_session,
                options.error_rate,
                options.seed
            ),
            (1_000, 0.01, 7)
        );
        assert_eq!(options.truth, Some(PathBuf::from("t.jsonl")));
        assert_eq!(
            (options.limits.body_bytes, options.limits.idle),
            (1 << 20, Duration::from_secs(300))
        );
        assert_eq!(options.answers, AnswerForm::Sse);
        assert_eq!(options.change_every, Some(Duration::from_secs(1)));
        assert_eq!(options.session_ttl, Some(Duration::from_secs(10)));
        assert_eq!(options.gone, Gone::BadRequest);
        assert_eq!(options.cut_streams, Some(Duration::from_secs(2)));
        assert_eq!(options.cookie.as_deref(), Some("sticky"));
        assert_eq!(options.audit, Some(PathBuf::from("a.jsonl")));
    }

    #[test]
    fn a_knob_that_is_turned_wrong_is_refused_with_a_way_to_turn_it() {
        for (line, hint) in [
            ("--listen 5555", "127.0.0.1:5555"),
            ("--latency quick", "lognormal:median=5ms"),
            ("--stall 10s/1s", "1s/10s"),
            ("--contention 2,0", "0.02,0.0005"),
            ("--leak some", "1kB/session"),
            ("--error-rate 200%", "1%"),
            ("--workers 0", "0"),
            ("--idle 0", "365d"),
            ("--session-ttl 0", "1ms"),
            ("--cookie a;b", "letters"),
            ("--resource-size 2MiB", "1MiB"),
        ] {
            let error = options(line).err().map(|error| error.to_string());
            assert!(error.is_some_and(|error| error.contains(hint)), "{line}");
        }
    }
}
