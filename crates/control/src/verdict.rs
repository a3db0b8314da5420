//! What control finds wrong in a cycle, whoever finds it.

use crate::rotation;

/// One finding of one proposer. It is told in every cycle in which it is the case.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Of the rotation.
    Rotation(rotation::Verdict),
}
