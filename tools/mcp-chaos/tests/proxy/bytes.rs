//! Every byte arrives, once and in order, whatever toxics come and go, as long as they change none.

use super::bench::{Bench, Dice, exchange, talk};
use mcp_chaos::message::Wire;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[test]
fn without_faults_all_bytes_arrive_both_ways_at_once() {
    let bench = Bench::new();
    exchange(&bench, 6, 4_000_000, 200_000);
    exchange(&bench, 20, 20_000, 100);
}

#[test]
fn where_messages_are_looked_at_all_bytes_arrive() {
    let bench = Bench::splitting(Some(Wire::Http));
    exchange(&bench, 6, 2_000_000, 200_000);
    bench.apply("l", "latency:latency=3ms,jitter=3ms,side=both");
    exchange(&bench, 6, 200_000, 5_000);
}

#[test]
fn with_each_toxic_that_only_delays_all_bytes_arrive() {
    for (fault, counts) in [
        (
            "latency:latency=3ms,jitter=3ms,distribution=normal,side=both",
            "chunks_delayed",
        ),
        ("bandwidth:rate=8MB/s,side=both", "bytes_slowed"),
        ("bandwidth:rate=16MB/s,per=target,side=up", "bytes_slowed"),
        ("slow_close:delay=50ms,side=both", "ends_delayed"),
        ("slice:size=700B,variation=600B,side=both", "slices"),
        ("loss:rate=2%,burst=2,rto=1ms,side=both", "segments_lost"),
        ("limit_data:size=100MB,side=both", "connections"),
    ] {
        let bench = Bench::new();
        bench.apply("f", fault);
        exchange(&bench, 3, 400_000, 30_000);
        let counted = bench.lift("f");
        assert_eq!(counted["connections"], 3, "{fault}");
        assert!(counted[counts] > 0, "{fault}: {counted:?}");
    }
}

#[test]
fn several_toxics_on_one_way_leave_all_bytes_in_their_order() {
    let bench = Bench::new();
    for (id, fault) in [
        ("a", "latency:latency=2ms,jitter=2ms,side=both"),
        ("b", "slice:size=2KiB,variation=1KiB,side=both"),
        ("c", "bandwidth:rate=8MB/s,side=both"),
        ("d", "loss:rate=1%,rto=1ms,side=both"),
    ] {
        bench.apply(id, fault);
    }
    exchange(&bench, 4, 400_000, 30_000);
}

#[test]
fn toxics_that_come_and_go_and_are_replaced_meanwhile_lose_nothing() {
    const FAULTS: [&str; 9] = [
        "latency:latency=3ms,jitter=2ms,side=both",
        "latency:latency=20ms",
        "bandwidth:rate=3MB/s,side=both",
        "bandwidth:rate=5MB/s,per=target,side=up",
        "slow_close:delay=20ms,side=both",
        "slice:size=300B,variation=200B,side=both",
        "loss:rate=5%,rto=2ms,side=both,toxicity=50%",
        "partition",
        "partition:side=down,toxicity=50%",
    ];
    for (seed, split) in [(1, None), (2, None), (3, None), (4, Some(Wire::Lines))] {
        let bench = Bench::splitting(split);
        let is_over = AtomicBool::new(false);
        let pairs: Vec<_> = (0..6).map(|_| bench.connect()).collect();
        std::thread::scope(|scope| {
            let meddler = scope.spawn(|| {
                let mut dice = Dice(seed);
                let mut active = [false; 3];
                while !is_over.load(Ordering::Relaxed) {
                    let place = dice.below(3) as usize;
                    let id = ["x", "y", "z"][place];
                    if active[place] && dice.below(3) > 0 {
                        bench.lift(id);
                        active[place] = false;
                    } else {
                        bench.apply(id, FAULTS[dice.below(9) as usize]);
                        active[place] = true;
                    }
                    std::thread::sleep(Duration::from_micros(dice.below(4_000)));
                }
                for (id, _) in ["x", "y", "z"].iter().zip(active).filter(|(_, a)| *a) {
                    bench.lift(id);
                }
            });
            let talks: Vec<_> = pairs
                .iter()
                .zip(1..)
                .map(|((client, server), n)| {
                    scope.spawn(move || talk(client, server, seed * 10 + n, 2_000_000, 100_000))
                })
                .collect();
            let failed = talks.into_iter().filter_map(|t| t.join().err()).count();
            is_over.store(true, Ordering::Relaxed);
            meddler.join().unwrap();
            assert_eq!(failed, 0, "seed {seed}");
        });
    }
}
