//! Proxies and toxics as Toxiproxy shows them.

use super::book::Book;
use super::types::Type;
use crate::network::refuse::Existing;
use crate::network::{Does, Toxic, Way};
use crate::proxy::{Applied, Shown, What};
use serde_json::{Map, Number, Value, json};

/// A proxy with its toxics.
pub fn proxy(shown: &Shown, book: &Book) -> Value {
    let own = book.own.get(&shown.name);
    json!({
        "name": shown.name,
        "listen": shown.listen.to_string(),
        "upstream": own.map_or_else(|| shown.upstream.to_string(), |own| own.upstream.clone()),
        "enabled": shown.enabled,
        "toxics": toxics(shown, book),
    })
}

/// The toxics of a proxy, in the order in which bytes pass them.
pub fn toxics(shown: &Shown, book: &Book) -> Value {
    let all = shown.toxics.iter();
    all.map(|applied| toxic(applied, &shown.name, book))
        .collect()
}

/// A toxic: one of a client, or a fault of the plan.
pub fn toxic(applied: &Applied, proxy: &str, book: &Book) -> Value {
    match book.by_id(proxy, &applied.id) {
        Some(entry) => json!({
            "name": entry.name,
            "type": entry.of.name,
            "stream": entry.stream.name(),
            "toxicity": entry.toxicity,
            "attributes": attributes(entry.of, &entry.values),
        }),
        None => foreign(applied),
    }
}

fn attributes(of: &Type, values: &[f64]) -> Value {
    let named = of.attributes.iter().zip(values);
    Value::Object(
        named
            .map(|((name, _), value)| ((*name).to_owned(), number(*value)))
            .collect(),
    )
}

/// A number as a client would write it: without a dot where it is a whole one.
fn number(n: f64) -> Value {
    let is_whole = n.fract() == 0.0 && n.abs() < (1u64 << 53) as f64;
    match is_whole {
        true => Value::from(n as i64),
        false => Number::from_f64(n).map_or(Value::Null, Value::Number),
    }
}

fn foreign(applied: &Applied) -> Value {
    let (stream, (name, attributes)) = match &applied.what {
        What::Toxic(toxic) => (way(toxic.way), described(toxic)),
        // What it does is said in its record: there are no words for it here.
        What::Message(_) => (way(Way::Both), ("message", Vec::new())),
    };
    let attributes: Map<String, Value> = attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    json!({
        "name": applied.id,
        "type": name,
        "stream": stream,
        "toxicity": applied.toxicity,
        "attributes": attributes,
    })
}

const fn way(way: Way) -> &'static str {
    match way {
        Way::Up => "upstream",
        Way::Down => "downstream",
        Way::Both => "both",
    }
}

/// A fault of the plan in Toxiproxy's words, where it has some.
fn described(toxic: &Toxic) -> (&'static str, Vec<(&'static str, Value)>) {
    let ms = |us: u64| number(us as f64 / 1e3);
    match toxic.does {
        Does::Latency(l) => (
            "latency",
            vec![
                ("latency", number(l.latency_us / 1e3)),
                ("jitter", number(l.jitter_us / 1e3)),
            ],
        ),
        Does::Bandwidth(b) => ("bandwidth", vec![("rate", number(b.rate as f64 / 1e3))]),
        Does::SlowClose(s) => ("slow_close", vec![("delay", ms(s.delay_us))]),
        Does::Timeout(t) => ("timeout", vec![("timeout", ms(t.after_us))]),
        Does::Reset(r) => ("reset_peer", vec![("timeout", ms(r.after_us))]),
        Does::Slice(s) => (
            "slicer",
            vec![
                ("average_size", json!(s.size)),
                ("size_variation", json!(s.variation)),
                ("delay", json!(s.delay_us)),
            ],
        ),
        Does::LimitData(l) => ("limit_data", vec![("bytes", json!(l.bytes))]),
        Does::Loss(l) => {
            // The chances that the share and the bursts come from (see types.rs), without what is lost on the way back.
            let chance = |p: f64| number((p * 1e9).round() / 1e9);
            let ends = (1.0 / l.burst).min(1.0 - l.rate);
            let begins = ends * l.rate / (1.0 - l.rate);
            let correlation = (1.0 - ends - begins).max(0.0);
            (
                "packet_loss",
                vec![
                    ("loss_rate", chance(begins)),
                    ("correlation", chance(correlation)),
                ],
            )
        }
        Does::Corrupt(c) => ("corrupt", vec![("rate", number(c.rate))]),
        Does::Partition => ("partition", Vec::new()),
        Does::Refuse(existing) => {
            let existing = match existing {
                Existing::Keep => "keep",
                Existing::Reset => "reset",
            };
            ("refuse", vec![("existing", json!(existing))])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types::Stream;
    use std::time::Duration;

    #[test]
    fn a_fault_of_the_plan_is_shown_with_the_attributes_that_would_make_it() {
        for (name, values) in [
            ("latency", &[200.0, 0.5][..]),
            ("bandwidth", &[64.0]),
            ("slow_close", &[3.0]),
            ("timeout", &[4.0]),
            ("reset_peer", &[5.0]),
            ("slicer", &[64.0, 32.0, 10.0]),
            ("limit_data", &[6.0]),
            ("packet_loss", &[0.25, 0.25]),
            ("corrupt", &[0.5]),
            ("partition", &[]),
        ] {
            let of = Type::named(name).unwrap();
            let made = of.make(values, Stream::Upstream, 0.5).unwrap();
            let applied = Applied {
                id: "f1".to_owned(),
                what: What::Toxic(made.toxic),
                toxicity: 0.5,
                seed: 7,
                ramp: Duration::ZERO,
            };
            let value = toxic(&applied, "p", &Book::default());
            let stream = if name == "reset_peer" {
                "downstream"
            } else {
                "upstream"
            };
            let wanted = json!({
                "name": "f1", "type": name, "stream": stream, "toxicity": 0.5,
                "attributes": attributes(of, values),
            });
            assert_eq!(value, wanted);
        }
    }
}
