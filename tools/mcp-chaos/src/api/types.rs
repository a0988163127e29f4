//! Toxiproxy's types of toxic, and which kind of ours each is.

use super::refusal::Refusal;
use crate::action::Action;
use crate::network::loss::Loss;
use crate::network::{Does, Toxic};
use crate::network::{bandwidth, corrupt, latency, limit_data, loss, partition, reset};
use crate::network::{slice, slow_close, timeout};
use crate::plan::kind::Kind;
use crate::plan::param::Params;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A type.
#[derive(Debug)]
pub struct Type {
    /// Its name.
    pub name: &'static str,
    /// Its attributes, and what each is where it is not given. All are numbers.
    pub attributes: &'static [(&'static str, f64)],
    /// The kind, and its parameters, that these values are.
    of: fn(&[f64]) -> (&'static Kind, Written),
}

/// Parameters as a plan would give them.
type Written = Vec<(&'static str, String)>;

/// A toxic that is to be applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// The kind, for the record.
    pub kind: &'static str,
    /// Its parameters, for the record.
    pub parameters: BTreeMap<String, Value>,
    /// What the relay gets.
    pub toxic: Toxic,
}

/// Toxiproxy's types, and two of ours that have no counterpart there.
pub static TYPES: &[Type] = &[
    Type {
        name: "latency",
        attributes: &[("latency", 0.0), ("jitter", 0.0)],
        of: |a| {
            let params = vec![("latency", ms(a[0])), ("jitter", ms(a[1]))];
            (&latency::KIND, params)
        },
    },
    Type {
        name: "bandwidth",
        attributes: &[("rate", 0.0)],
        of: |a| match a[0] {
            // Nothing passes, and nothing is lost: what test suites use to cut a connection.
            0.0 => (&partition::KIND, Vec::new()),
            rate => (&bandwidth::KIND, vec![("rate", format!("{}B", rate * 1e3))]),
        },
    },
    Type {
        name: "slow_close",
        attributes: &[("delay", 0.0)],
        of: |a| (&slow_close::KIND, vec![("delay", ms(a[0]))]),
    },
    Type {
        name: "timeout",
        attributes: &[("timeout", 0.0)],
        of: |a| (&timeout::KIND, vec![("after", ms(a[0]))]),
    },
    Type {
        name: "reset_peer",
        attributes: &[("timeout", 0.0)],
        of: |a| (&reset::KIND, vec![("after", ms(a[0]))]),
    },
    Type {
        name: "slicer",
        attributes: &[
            ("average_size", 0.0),
            ("size_variation", 0.0),
            ("delay", 0.0),
        ],
        of: |a| {
            let params = vec![
                ("size", format!("{}B", a[0])),
                ("variation", format!("{}B", a[1])),
                ("delay", format!("{}us", a[2])),
            ];
            (&slice::KIND, params)
        },
    },
    Type {
        name: "limit_data",
        attributes: &[("bytes", 0.0)],
        of: |a| (&limit_data::KIND, vec![("size", format!("{}B", a[0]))]),
    },
    Type {
        name: "packet_loss",
        attributes: &[("loss_rate", 0.1), ("correlation", 0.0)],
        of: |a| {
            let (rate, burst) = chain(a[0], a[1]);
            let params = vec![
                ("rate", rate.to_string()),
                ("burst", burst.round().to_string()),
            ];
            (&loss::KIND, params)
        },
    },
    Type {
        name: "corrupt",
        attributes: &[("rate", 0.0001)],
        of: |a| (&corrupt::KIND, vec![("rate", a[0].to_string())]),
    },
    Type {
        name: "partition",
        attributes: &[],
        of: |_| (&partition::KIND, Vec::new()),
    },
];

fn ms(n: f64) -> String {
    format!("{n}ms")
}

/// The share that is lost, and the mean length of a burst, where one is lost with the chance `rate` behind one that
/// was not, and with `rate + correlation` behind one that was.
fn chain(rate: f64, correlation: f64) -> (f64, f64) {
    let again = (rate + correlation).min(1.0);
    let share = match rate {
        0.0 => 0.0,
        rate => rate / (rate + 1.0 - again),
    };
    (share.min(1.0), 1.0 / (1.0 - again))
}

impl Type {
    /// Finds one.
    ///
    /// # Errors
    /// There is none, with those that there are.
    pub fn named(name: &str) -> Result<&'static Self, Refusal> {
        TYPES.iter().find(|t| t.name == name).ok_or_else(|| {
            let known: Vec<&str> = TYPES.iter().map(|t| t.name).collect();
            let known = known.join(", ");
            Refusal::new(400, format!("invalid toxic type: there are {known}"))
        })
    }

    /// Makes a toxic, with values in the order of the attributes.
    ///
    /// # Errors
    /// One of them is out of its range.
    pub fn make(&self, values: &[f64], stream: Stream, toxicity: f64) -> Result<Made, Refusal> {
        let wrong = |e: String| Refusal::bad_body(&format!("{}: {e}", self.name));
        let (kind, mut given) = (self.of)(values);
        // A reset ends both directions, whichever it comes from.
        if kind.params.iter().any(|p| p.name == "side") {
            given.push(("side", stream.side().to_owned()));
        }
        given.push(("toxicity", toxicity.to_string()));
        let given: Vec<(String, String)> = given
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let params = Params::parse(kind.name, kind.params, &given).map_err(wrong)?;
        let Action::Network(mut toxic) = (kind.build)(&params).map_err(wrong)? else {
            return Err(wrong("it is no fault of the network".to_owned()));
        };
        let mut parameters = params.in_record();
        if let (Does::Loss(Loss { burst, .. }), [rate, correlation]) = (&mut toxic.does, values) {
            // A plan gives it as a whole number; here it follows from the chances.
            *burst = chain(*rate, *correlation).1;
            parameters.insert("burst".to_owned(), json!(*burst));
        }
        Ok(Made {
            kind: kind.name,
            parameters,
            toxic,
        })
    }
}

/// Which way a toxic works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
}

impl Stream {
    /// Reads one.
    ///
    /// # Errors
    /// It is neither.
    pub fn named(name: &str) -> Result<Self, Refusal> {
        match name {
            "upstream" => Ok(Self::Upstream),
            "downstream" => Ok(Self::Downstream),
            _ => Err(Refusal::new(
                400,
                "stream was invalid, can be either upstream or downstream",
            )),
        }
    }

    /// As Toxiproxy calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }

    const fn side(self) -> &'static str {
        match self {
            Self::Upstream => "up",
            Self::Downstream => "down",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Way;

    fn make(name: &str, values: &[f64]) -> Result<Made, Refusal> {
        Type::named(name)?.make(values, Stream::Upstream, 0.3)
    }

    fn does(name: &str, values: &[f64]) -> Does {
        make(name, values).unwrap().toxic.does
    }

    #[test]
    fn each_type_is_a_kind_of_ours_in_its_units() {
        let made = make("latency", &[200.0, 0.5]).unwrap();
        let Does::Latency(latency) = made.toxic.does else {
            panic!("{made:?}");
        };
        assert_eq!((latency.latency_us, latency.jitter_us), (200_000.0, 500.0));
        assert_eq!((made.toxic.way, made.toxic.toxicity), (Way::Up, 0.3));
        assert_eq!(made.parameters["latency_us"], 200_000);
        assert_eq!(made.parameters["side"], "up");
        assert!(matches!(does("bandwidth", &[1.5]), Does::Bandwidth(b) if b.rate == 1_500));
        assert_eq!(does("bandwidth", &[0.0]), Does::Partition);
        assert!(matches!(does("slow_close", &[7.0]), Does::SlowClose(s) if s.delay_us == 7_000));
        assert!(matches!(does("timeout", &[0.0]), Does::Timeout(t) if t.after_us == 0));
        assert!(matches!(does("reset_peer", &[2.0]), Does::Reset(r) if r.after_us == 2_000));
        let Does::Slice(slice) = does("slicer", &[64.0, 32.0, 10.0]) else {
            panic!("no slice");
        };
        let slice = (slice.size, slice.variation, slice.delay_us);
        assert_eq!(slice, (64, 32, 10));
        assert!(matches!(does("limit_data", &[5.0]), Does::LimitData(l) if l.bytes == 5));
        assert!(matches!(does("corrupt", &[0.5]), Does::Corrupt(c) if c.rate == 0.5));
        assert_eq!(does("partition", &[]), Does::Partition);
    }

    #[test]
    fn losses_that_hang_together_have_the_share_and_the_bursts_of_their_chances() {
        let Does::Loss(loss) = does("packet_loss", &[0.1, 0.5]) else {
            panic!("no loss");
        };
        // Of a chain that goes bad by 0.1 and stays bad by 0.6, a fifth is bad, for 2.5 in a row.
        assert!((loss.rate - 0.2).abs() < 1e-9 && (loss.burst - 2.5).abs() < 1e-9);
        let Does::Loss(loss) = does("packet_loss", &[0.0, 0.5]) else {
            panic!("no loss");
        };
        assert_eq!(loss.rate, 0.0);
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_what_would_fit() {
        for (name, values) in [
            ("latency", &[1e12, 0.0][..]),
            ("bandwidth", &[1e30]),
            ("bandwidth", &[0.0001]),
            ("slicer", &[0.0, 0.0, 0.0]),
            ("slicer", &[10.0, 10.0, 0.0]),
            ("packet_loss", &[1.0, 0.0]),
            ("packet_loss", &[0.1, 1.0]),
            ("corrupt", &[2.0]),
        ] {
            let refusal = make(name, values).unwrap_err();
            assert_eq!(refusal.status, 400, "{name}: {refusal:?}");
            assert!(
                refusal.text.starts_with("bad request body: "),
                "{refusal:?}"
            );
        }
        let unknown = Type::named("noop").unwrap_err().text;
        assert!(unknown.starts_with("invalid toxic type"), "{unknown}");
        assert_eq!(Stream::named("both").unwrap_err().status, 400);
    }
}
