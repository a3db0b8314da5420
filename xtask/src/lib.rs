//! The chores behind `cargo xtask`, and the rules of the workspace that its tests enforce.
//!
//! - `cargo xtask test`: [`steps`] is the list, [`run`] goes through it, [`prerequisites`] is its first step;
//! - `cargo xtask bench`: [`mod@bench`];
//! - `cargo xtask figures`: [`figures`];
//! - `cargo xtask fuzz`: [`fuzz`];
//! - [`invariants`]: pure rules over manifests and sources; `tests/invariants.rs` applies them to this checkout.

pub mod assets;
pub mod bench;
pub mod checkout;
pub mod console;
pub mod daemon_bench;
pub mod figures;
pub mod fuzz;
pub mod gx_bench;
pub mod invariants;
pub mod prerequisites;
pub mod process;
pub mod run;
pub mod rust_source;
pub mod shared;
pub mod steps;
pub mod table;
