//! What control finds in a cycle, whoever finds it.

use crate::{limiter, rotation};

/// One finding of one proposer. It is told in every cycle in which it is the case.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// How a limit of the site is doing.
    Limiter(limiter::Verdict),
    /// Of the rotation.
    Rotation(rotation::Verdict),
}
