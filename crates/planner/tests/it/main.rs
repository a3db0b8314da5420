//! The planner from outside: laws, known optima, other optimisers' answers, and plans as their users meet them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![expect(clippy::print_stdout, reason = "figures, and why nothing was tested")]

mod captured;
mod cases;
mod exact;
mod homes;
mod laws;
mod optima;
mod pins;
mod planning;
