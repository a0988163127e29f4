//! The stages of the load, pinned to t0: connect, warm-up, steady, drain.

/// One stage, on CLOCK_MONOTONIC in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name in records.
    pub name: &'static str,
    /// When it begins.
    pub start_ns: u64,
    /// When the next one begins.
    pub end_ns: u64,
}

/// All stages in order: the first connects, the last drains, calls are due in those between.
#[derive(Clone, Debug)]
pub struct Stages(Vec<Stage>);

impl Stages {
    /// From t0 on: `connect_ns` to connect, `warmup_ns` (perhaps 0) to warm up, `steady_ns` to measure, and at most
    /// `drain_ns` to finish.
    #[must_use]
    pub fn new(t0_ns: u64, connect_ns: u64, warmup_ns: u64, steady_ns: u64, drain_ns: u64) -> Self {
        let mut at = t0_ns;
        let lengths = [
            ("connect", connect_ns),
            ("warm-up", warmup_ns),
            ("steady", steady_ns),
            ("drain", drain_ns),
        ];
        let stages = lengths
            .into_iter()
            .filter(|(name, ns)| *name != "warm-up" || *ns > 0)
            .map(|(name, ns)| {
                let start_ns = at;
                at += ns;
                Stage {
                    name,
                    start_ns,
                    end_ns: at,
                }
            });
        Self(stages.collect())
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Stage] {
        &self.0
    }

    /// Those in which calls are due: their indices.
    #[must_use]
    pub fn loaded(&self) -> std::ops::Range<usize> {
        1..self.0.len() - 1
    }

    /// When the first call may be due.
    #[must_use]
    pub fn load_start_ns(&self) -> u64 {
        self.0[1].start_ns
    }

    /// From when on no call is due.
    #[must_use]
    pub fn load_end_ns(&self) -> u64 {
        self.0[self.0.len() - 1].start_ns
    }

    /// The index of the stage at an instant; the first one before it, the last one after it.
    #[must_use]
    pub fn at(&self, ns: u64) -> usize {
        self.0.iter().rposition(|s| s.start_ns <= ns).unwrap_or(0)
    }

    /// The next instant after `ns` at which an interval ends: a multiple of `interval_ns` from t0, or a stage's edge.
    #[must_use]
    pub fn next_edge_ns(&self, ns: u64, interval_ns: u64) -> u64 {
        let t0 = self.0[0].start_ns;
        let grid = t0 + ((ns.saturating_sub(t0)) / interval_ns + 1) * interval_ns;
        self.0
            .iter()
            .map(|s| s.start_ns)
            .find(|&edge| edge > ns)
            .map_or(grid, |edge| edge.min(grid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_follow_each_other_from_t0_and_an_empty_warm_up_is_left_out() {
        let s = Stages::new(100, 20, 0, 50, 10);
        let names: Vec<_> = s
            .all()
            .iter()
            .map(|s| (s.name, s.start_ns, s.end_ns))
            .collect();
        assert_eq!(
            names,
            [
                ("connect", 100, 120),
                ("steady", 120, 170),
                ("drain", 170, 180)
            ]
        );
        assert_eq!(
            (s.loaded(), s.load_start_ns(), s.load_end_ns()),
            (1..2, 120, 170)
        );
        assert_eq!(
            [0, 119, 120, 169, 170, 999].map(|ns| s.at(ns)),
            [0, 0, 1, 1, 2, 2]
        );
    }

    #[test]
    fn intervals_end_at_the_grid_and_at_the_edges_of_stages() {
        let s = Stages::new(0, 25, 10, 30, 10);
        let mut edges = vec![0];
        while edges[edges.len() - 1] < 70 {
            edges.push(s.next_edge_ns(edges[edges.len() - 1], 10));
        }
        assert_eq!(edges, [0, 10, 20, 25, 30, 35, 40, 50, 60, 65, 70]);
    }
}
