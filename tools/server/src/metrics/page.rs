//! `/metrics`: the counters in Prometheus text format 0.0.4.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use super::{BOUNDS_US, Class, ERAS, Metrics, OUTCOMES, TRANSPORTS};
use crate::method::Method;

impl Metrics {
    /// The page for `/metrics`; series that never counted are left out.
    pub(crate) fn render(&self) -> String {
        let mut page = String::with_capacity(8 << 10);
        self.render_requests(&mut page);
        self.render_durations(&mut page);
        for (name, help, counts) in [
            (
                "connections",
                "Connections that are open.",
                &self.connections,
            ),
            ("sessions", "Legacy sessions that are open.", &self.sessions),
        ] {
            head(
                &mut page,
                &format!("mcp_server_{name}_active"),
                "gauge",
                help,
            );
            for (transport, count) in TRANSPORTS.iter().zip(counts) {
                let count = count.load(Ordering::Relaxed);
                let _ = writeln!(
                    page,
                    "mcp_server_{name}_active{{transport=\"{transport}\"}} {count}"
                );
            }
        }
        head(
            &mut page,
            "mcp_server_errors_total",
            "counter",
            "What was refused or failed, by class.",
        );
        for (class, count) in Class::LABELS.iter().zip(&self.errors) {
            let count = count.load(Ordering::Relaxed);
            let _ = writeln!(page, "mcp_server_errors_total{{class=\"{class}\"}} {count}");
        }
        if self
            .cookies
            .iter()
            .any(|count| count.load(Ordering::Relaxed) > 0)
        {
            let name = "mcp_server_cookie_requests_total";
            head(
                &mut page,
                name,
                "counter",
                "HTTP requests by whether they brought the server's cookie.",
            );
            for (cookie, count) in ["missing", "sent"].iter().zip(&self.cookies) {
                let count = count.load(Ordering::Relaxed);
                let _ = writeln!(page, "{name}{{cookie=\"{cookie}\"}} {count}");
            }
        }
        page
    }

    fn render_requests(&self, page: &mut String) {
        head(
            page,
            "mcp_server_requests_total",
            "counter",
            "Calls answered or given up.",
        );
        for (method, by_transport) in Method::ALL.iter().zip(&self.requests) {
            for (transport, by_era) in TRANSPORTS.iter().zip(by_transport) {
                for (era, by_outcome) in ERAS.iter().zip(by_era) {
                    for (outcome, count) in OUTCOMES.iter().zip(by_outcome) {
                        let count = count.load(Ordering::Relaxed);
                        if count > 0 {
                            let _ = writeln!(
                                page,
                                "mcp_server_requests_total{{method=\"{}\",transport=\"{transport}\",era=\"{era}\",outcome=\"{outcome}\"}} {count}",
                                method.label()
                            );
                        }
                    }
                }
            }
        }
    }

    fn render_durations(&self, page: &mut String) {
        const NAME: &str = "mcp_server_request_duration_ms";
        head(
            page,
            NAME,
            "histogram",
            "From a request read to its answer handed to the transport.",
        );
        for (method, durations) in Method::ALL.iter().zip(&self.durations) {
            let method = method.label();
            let counts: Vec<u64> = durations
                .buckets
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect();
            // Prometheus wants the count and the last bucket equal, so both come from one reading.
            let total: u64 = counts.iter().sum();
            if total == 0 {
                continue;
            }
            let mut so_far = 0;
            for (bound_us, count) in BOUNDS_US.iter().zip(&counts) {
                so_far += count;
                let le = *bound_us as f64 / 1_000.0;
                let _ = writeln!(
                    page,
                    "{NAME}_bucket{{method=\"{method}\",le=\"{le}\"}} {so_far}"
                );
            }
            let sum_ms = durations.sum_us.load(Ordering::Relaxed) as f64 / 1_000.0;
            let _ = writeln!(
                page,
                "{NAME}_bucket{{method=\"{method}\",le=\"+Inf\"}} {total}"
            );
            let _ = writeln!(page, "{NAME}_sum{{method=\"{method}\"}} {sum_ms}");
            let _ = writeln!(page, "{NAME}_count{{method=\"{method}\"}} {total}");
        }
    }
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
}
