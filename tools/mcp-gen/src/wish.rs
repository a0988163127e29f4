//! What the flags ask for: the profiles, how many clients, what makes calls due, for how long.

use crate::authorization::{self, Headers};
use crate::cli::Cli;
use crate::idle::Crowd;
use crate::knee::Knee;
use crate::pacer::Pacer;
use crate::profile::{self, Profile};
use crate::shape::{Quantity, Shape};
use crate::stages::{Ask, Change, Wanted};
use std::time::Duration;

/// More clients than open files could ever serve.
pub const MAX_CLIENTS: u32 = 1_000_000;

/// Calls per second of a thread that no processor can even count: beyond, the loop would never look at an answer.
pub const MAX_RATE_PER_THREAD: f64 = 5e6;

/// What the flags say, with the profile's and the other defaults filled in.
pub struct Wish {
    /// The profiles, with what the flags say in place of their own values.
    pub profiles: Vec<Profile>,
    /// Clients of all profiles.
    pub clients: u32,
    /// Those who only stay.
    pub idle: Crowd,
    /// What makes calls due.
    pub pacer: Pacer,
    /// Calls per second of each client, where nothing else says how many.
    pub rate_per_s: f64,
    /// The stages, where they were given.
    shape: Option<Shape>,
    /// The knee that is to be found.
    pub knee: Option<Knee>,
    /// What is added to each request.
    pub headers: Headers,
    /// The seed.
    pub seed: u64,
    /// Worker threads.
    pub threads: u32,
    steady: Duration,
    warmup: Duration,
    /// How long connecting may take.
    pub connect: Duration,
}

impl Wish {
    /// Reads the flags.
    ///
    /// # Errors
    /// A sentence on what cannot be.
    pub fn of(cli: &Cli) -> Result<Self, String> {
        let mut profiles = profile::wanted(cli)?;
        if let Some(hasty) = profiles.iter().find(|p| p.timeout.is_zero()) {
            return Err(format!(
                "the timeout of the profile {} is 0, which no answer can keep: give --timeout 10s, or 1h where calls take long",
                hasty.name
            ));
        }
        let shape = cli.stages.clone();
        let crowd = shape.as_ref().filter(|s| s.of == Quantity::Clients);
        let rates = shape.as_ref().filter(|s| s.of == Quantity::Rate);
        if let Some(crowd) = crowd {
            only_profile(cli, &mut profiles)?.clients = crowd.peak() as u32;
        }
        if rates.is_some() && (cli.closed || cli.rate.is_some() || cli.total_rate.is_some()) {
            return Err("--stages says how many calls are due, so --rate, --total-rate or --closed can't: leave them out, or give stages of clients ('0..500 clients in 5m')".to_owned());
        }
        let clients = profiles.iter().map(|p| p.clients).sum();
        let idle = Crowd {
            clients: cli.idle,
            timeout: cli.timeout,
            reconnect_delay: cli.reconnect_delay,
            leave: cli.leave.unwrap_or_default(),
        };
        idle.check(&profiles)?;
        let steady = cli.for_.unwrap_or(Duration::from_secs(30));
        if steady.is_zero() {
            return Err("--for is 0, so there is nothing to measure".to_owned());
        }
        let cpus = std::thread::available_parallelism().map_or(1, |n| n.get() as u32);
        let threads = cli.threads.unwrap_or((cpus / 2).max(1)).min(clients);
        // Of a client on average; each has its own share of all calls.
        let per_s = |p: &Profile| p.rate_per_s * f64::from(p.clients);
        let total_per_s = cli
            .total_rate
            .unwrap_or_else(|| profiles.iter().map(per_s).sum());
        let rate_per_s = total_per_s / f64::from(clients);
        let knee = cli.find_knee.as_ref().map(|condition| Knee {
            first_per_s: cli
                .knee_from
                .unwrap_or_else(|| Knee::first_per_s(condition, cli.knee_step)),
            condition: condition.clone(),
            most_per_s: MAX_RATE_PER_THREAD * f64::from(threads),
            step: cli.knee_step,
            longest_call: longest(&profiles) + cli.max_backlog,
            clients,
        });
        let peak_per_s = rates.map_or(total_per_s, Shape::peak);
        if !cli.closed && peak_per_s / f64::from(threads) > MAX_RATE_PER_THREAD {
            return Err(format!(
                "{peak_per_s} calls/s are more than {MAX_RATE_PER_THREAD} for each of {threads} threads, which no schedule can keep: lower the rate or --clients, or raise --threads"
            ));
        }
        // The connections that are wanted when the load begins.
        let at_first = match crowd.and_then(|s| s.legs.first()) {
            Some(leg) if leg.at_once => 0,
            Some(leg) => leg.from as u64,
            None => u64::from(clients),
        } + u64::from(idle.clients);
        Ok(Self {
            clients,
            idle,
            pacer: if cli.closed {
                Pacer::Answers
            } else {
                Pacer::Clock(cli.arrivals)
            },
            rate_per_s,
            headers: authorization::headers(cli)?,
            // 2^53: the seed stands in a record, and jq keeps integers exact only so far.
            seed: cli
                .seed
                .unwrap_or_else(|| record::random() & ((1 << 53) - 1)),
            threads,
            // Whoever gives stages has the first of them to warm up in.
            warmup: cli.warmup.unwrap_or(match (&shape, &knee) {
                (Some(_), _) | (_, Some(_)) => Duration::ZERO,
                (None, None) => (steady / 10).min(Duration::from_secs(30)),
            }),
            connect: cli
                .connect_for
                .unwrap_or(Duration::from_secs(2) + Duration::from_millis(at_first)),
            steady,
            profiles,
            shape,
            knee,
        })
    }

    /// How long a call may take, in the profile that is most patient.
    #[must_use]
    pub fn longest_timeout(&self) -> Duration {
        longest(&self.profiles)
    }

    /// The stages in which calls are due. A warm-up holds the level at which the first of them begins.
    #[must_use]
    pub fn load(&self) -> Vec<Wanted> {
        let is_clock = matches!(self.pacer, Pacer::Clock(_));
        let all = f64::from(self.clients);
        let ask = |level: Option<(Quantity, Change)>| {
            let (clients, per_s) = match level {
                None => (Change::none(all), Change::none(all * self.rate_per_s)),
                Some((Quantity::Clients, n)) => (n, n.times(self.rate_per_s)),
                Some((Quantity::Rate, per_s)) => (Change::none(all), per_s),
            };
            Ask {
                clients,
                per_s: is_clock.then_some(per_s),
                at_once: false,
            }
        };
        let legs: Vec<Wanted> = match (&self.shape, &self.knee) {
            (None, Some(knee)) => knee.first_stages(),
            (None, None) => vec![Wanted {
                name: "steady".to_owned(),
                length_ns: nanos(self.steady),
                ask: ask(None),
            }],
            (Some(shape), _) => {
                let legs = shape.legs.iter();
                legs.map(|leg| {
                    let (from, to) = (leg.from, leg.to);
                    Wanted {
                        name: leg.name.clone(),
                        length_ns: leg.length_ns,
                        ask: Ask {
                            at_once: leg.at_once,
                            ..ask(Some((shape.of, Change { from, to })))
                        },
                    }
                })
                .collect()
            }
        };
        let begin = legs.first().map_or_else(Ask::default, |w| w.ask);
        let warmup = Wanted {
            name: "warm-up".to_owned(),
            length_ns: nanos(self.warmup),
            ask: Ask {
                clients: Change::none(begin.clients.from),
                per_s: begin.per_s.map(|r| Change::none(r.from)),
                at_once: begin.at_once,
            },
        };
        std::iter::once(warmup).chain(legs).collect()
    }
}

/// The profile that stages of clients are of.
fn only_profile<'a>(cli: &Cli, profiles: &'a mut [Profile]) -> Result<&'a mut Profile, String> {
    let counted = |name: &String| name.contains('=') && !name.ends_with(".toml");
    if cli.clients.is_some() || cli.profile.iter().any(counted) {
        return Err("--stages says how many clients there are, so --clients or --profile NAME=N can't: leave it out".to_owned());
    }
    if cli.total_rate.is_some() {
        return Err("--total-rate is shared by all clients, and --stages changes how many there are: use --rate, which is each client's, or stages of rates ('rate 100..1000/s in 60s')".to_owned());
    }
    match profiles {
        [profile] => Ok(profile),
        _ => Err("stages of clients don't say of which profile: give one --profile, or stages of rates ('rate 100..1000/s in 60s'), which all share".to_owned()),
    }
}

fn longest(profiles: &[Profile]) -> Duration {
    let timeouts = profiles.iter().map(|p| p.timeout);
    timeouts.max().unwrap_or_default()
}

/// Nanoseconds.
#[must_use]
pub fn nanos(d: Duration) -> u64 {
    d.as_nanos() as u64
}
