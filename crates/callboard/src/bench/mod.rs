//! `callboard bench`: figures that anyone can measure again, each run with its own check.

mod claim;
mod doors;
mod in_process;
mod measure;
mod scenario;

pub(crate) use claim::claim;
