//! The engine: workers, each with a core's worth of clients, connections and one loop.
//!
//! A worker owns its clients and shares nothing with the others: no lock and no queue stands on the way of a call.
//! The loop sleeps in epoll_wait until a socket or a timerfd wakes it; what is due is written in one go for each
//! connection, what has come is read with one read(2) for each.

mod ahead;
mod batch;
mod batching;
mod call;
mod cancels;
mod carrier;
mod churn;
mod client;
mod closing;
mod conn;
mod cookies;
mod dissect;
mod due;
mod ear;
mod ends;
mod events;
mod failover;
mod framing;
mod going_on;
mod headers;
mod health;
mod heard;
mod leaving;
mod lifetimes;
mod listening;
pub mod memory;
mod opening;
mod poller;
mod priority;
mod receive;
mod replies;
mod resuming;
mod rounds;
mod session;
mod settle;
mod sharing;
mod slack;
mod slow_read;
mod users;
mod visits;
mod worker;

pub use health::Health;
pub use poller::Waker;
pub use worker::{Command, Report, Worker};
