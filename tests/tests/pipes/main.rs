//! Pipelines of several tools, through the built binaries. One program for all of them: each would link the harness once
//! more, and end with a single slow test while the others' CPUs stand idle.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

mod clients;
mod contract_conservation;
mod contract_forwarding;
mod contract_goodbye;
mod contract_hostile;
mod contract_kill;
mod contract_order;
mod contract_seed;
mod contract_signals;
mod contract_slow_reader;
mod contract_targets;
mod contract_terminal;
mod cookies;
mod generator_abuse;
mod generator_anatomy;
mod generator_audit;
mod generator_authorization;
mod generator_batches;
mod generator_control;
mod generator_crowds;
mod generator_failover;
mod generator_knee;
mod generator_lateness;
mod generator_metrics;
mod generator_no_effect;
mod generator_profiles;
mod generator_quirks;
mod generator_resumption;
mod generator_rows;
mod generator_servers;
mod generator_sessions;
mod generator_shapes;
mod generator_sharing;
mod h2_peer;
mod readme;
mod seed_environment;
mod sentences;
mod tls;
mod tls_relay;
mod transport_h2;
mod transport_sse;
mod transport_stdio;
mod transport_tcp;
