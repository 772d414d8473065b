//! Deterministic simulation: the whole of Qiao on its real store, between both simulators' pure
//! cores, in virtual time, from one seed.
//!
//! Nothing races. A scheduler owns every task (a push, an attempt, a job, an order) and drives
//! exactly one at a time, until it ends or parks at a gate: the network, the clock, the writer.
//! What happens next is drawn from the seed, so a seed reproduces to the byte.
//! Start reading at [`steps`], then [`tasks`].

mod acts;
mod commits;
mod ending;
mod faults;
mod healing;
mod network;
mod platforms;
mod running;
mod seeds;
mod steps;
mod tasks;
mod time;
mod trace;
mod trouble;
mod witness;
mod world;
