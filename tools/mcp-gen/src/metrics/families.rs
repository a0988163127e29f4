//! Metric families: a snapshot in the text format of Prometheus, under the names of the erlmcp test kit.

use super::board::Snapshot;
use super::buckets::{BOUNDS_US, Buckets};
use super::counts::Counts;
use prometheus::TextEncoder;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};
use protocol::outcome::Outcome;
use std::collections::BTreeMap;

type Labels<'a> = [(&'a str, &'a str)];

/// The snapshot as text, version 0.0.4 of the format.
///
/// # Errors
/// The encoder's sentence; families without a metric are left out, so none is known.
pub fn text(snapshot: &Snapshot) -> Result<String, String> {
    let families: Vec<MetricFamily> = families(snapshot)
        .into_iter()
        .filter(|f| !f.get_metric().is_empty())
        .collect();
    TextEncoder::new()
        .encode_to_string(&families)
        .map_err(|e| e.to_string())
}

fn families(snapshot: &Snapshot) -> [MetricFamily; 8] {
    let Some(plan) = &snapshot.plan else {
        return Default::default();
    };
    // Tools are folded into their method: a server with many must not make a series per bucket for each.
    let mut calls: BTreeMap<(&str, &str), Counts> = BTreeMap::new();
    let mut profiles: BTreeMap<&str, Counts> = BTreeMap::new();
    for (label, counts) in &snapshot.rows {
        let name = &plan.labels.all()[usize::from(*label)];
        let profile = plan.groups.all()[usize::from(name.group)].profile.as_str();
        profiles.entry(profile).or_default().join(counts);
        if !plan.labels.is_connect(*label) {
            let row = calls.entry((profile, name.method.as_str())).or_default();
            row.join(counts);
        }
    }
    let [mut requests, mut durations, mut sent] = [const { Vec::new() }; 3];
    for ((profile, method), counts) in &calls {
        let with = |status| {
            [
                ("client_type", *profile),
                ("method", *method),
                ("status", status),
            ]
        };
        for (class, n) in Outcome::CLASSES.iter().zip(counts.outcomes) {
            if n > 0 || *class == "ok" {
                requests.push(counter(&with(*class), n));
            }
        }
        durations.push(histogram(&with("ok"), &counts.ok));
        if counts.failed.count > 0 {
            durations.push(histogram(&with("error"), &counts.failed));
        }
        let of = [("client_type", *profile), ("message_type", *method)];
        sent.push(counter(&of, counts.sent));
    }
    let [
        mut connections,
        mut errors,
        mut failures,
        mut lags,
        mut connects,
    ] = [const { Vec::new() }; 5];
    for (profile, counts) in &profiles {
        let of = [("client_type", *profile)];
        connections.push(gauge(&of, counts.now.connections));
        failures.push(counter(&of, counts.connect_failures));
        lags.push(histogram(&of, &counts.lag));
        connects.push(histogram(&of, &counts.connect));
        for (class, n) in Outcome::CLASSES.iter().zip(counts.outcomes) {
            // Also those that have not come yet: of a counter that begins at its first value a rate does not see that.
            if is_error(class) {
                errors.push(counter(
                    &[("client_type", profile), ("error_type", class)],
                    n,
                ));
            }
        }
    }
    use MetricType::{COUNTER, GAUGE, HISTOGRAM};
    [
        ("mcp_client_requests_total", "Calls that are over, by outcome.", COUNTER, requests),
        ("mcp_client_request_duration_ms", "From the instant at which a call was due to its answer, in milliseconds; calls that were sent.", HISTOGRAM, durations),
        ("mcp_client_connections_active", "Connections that stand.", GAUGE, connections),
        ("mcp_client_messages_sent_total", "Calls whose last byte was written.", COUNTER, sent),
        ("mcp_client_messages_errors_total", "Calls that failed, by the class of their outcome.", COUNTER, errors),
        ("mcp_client_connect_failures_total", "Connection attempts that failed.", COUNTER, failures),
        ("mcp_client_schedule_lag_ms", "How late the generator itself took a call up, in milliseconds.", HISTOGRAM, lags),
        ("mcp_client_connect_duration_ms", "Set-up of a connection, in milliseconds.", HISTOGRAM, connects),
    ]
    .map(|(name, help, kind, metrics)| {
        let mut family = MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics);
        family
    })
}

/// Whether an outcome of this class is the server's failure: what the error rate of a gate counts.
fn is_error(class: &str) -> bool {
    !["ok", "input_required", "cancelled", "shed"].contains(&class)
}

fn metric(labels: &Labels) -> Metric {
    let pairs = labels.iter().map(|(name, value)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    });
    Metric::from_label(pairs.collect())
}

fn counter(labels: &Labels, n: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(n as f64);
    let mut metric = metric(labels);
    metric.set_counter(counter);
    metric
}

fn gauge(labels: &Labels, n: u64) -> Metric {
    let mut gauge = Gauge::default();
    gauge.set_value(n as f64);
    let mut metric = metric(labels);
    metric.set_gauge(gauge);
    metric
}

fn histogram(labels: &Labels, latencies: &Buckets) -> Metric {
    let buckets = BOUNDS_US.iter().zip(latencies.up_to).map(|(bound_us, n)| {
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound_us as f64 / 1e3);
        bucket.set_cumulative_count(n);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(latencies.count);
    histogram.set_sample_sum(latencies.sum_us / 1e3);
    let mut metric = metric(labels);
    metric.set_histogram(histogram);
    metric
}
