//! What an operator does with a store: check, back up, restore.
#![allow(clippy::unwrap_used)]

mod backing_up;
mod board;
mod checking;
mod hostile;
