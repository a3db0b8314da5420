//! The rules of the workspace as plain functions: they take manifests and sources, and give one line for each
//! violation. Their own tests show each rule both kept and broken; `tests/invariants.rs` applies them to this checkout.
//! ARCHITECTURE.md says why the rules are there.

pub mod arrows;
pub mod manifests;
pub mod sources;
pub mod texts;
