//! One span's values on their way: cut into batches, and a batch that is refused cut further until the values that nobody
//! takes are found. Those are skipped, and named.

use std::time::Duration;

use ohmstead_model::Clock;

use crate::source::Point;
use crate::target::{Failure, Target};

/// So many requests are spent on finding refused values in one span; then the rest of a refused batch counts as refused.
const SEARCHES_MAX: usize = 2000;
/// The same as long as the target has not taken anything: that is hardly the fault of the values.
const SEARCHES_FIRST: usize = 30;

/// A request that takes longer is given up, and tried again later.
const LIMIT: Duration = Duration::from_secs(60);

/// What became of a span's values.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Shipped {
    pub(crate) taken: u64,
    pub(crate) refused: u64,
    /// The first refusal.
    pub(crate) first: Option<Refusal>,
}

/// Values that will never be taken.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// The first of them, unless the others of its batch were taken and the server does not tell them apart.
    pub(crate) point: Option<Point>,
    pub(crate) why: String,
    pub(crate) of_age: bool,
}

/// It cannot go on now; nothing of the span counts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Later {
    pub(crate) why: String,
    pub(crate) after: Option<Duration>,
}

/// Sends `points` in batches of at most `max_batch`, which shrinks where the target finds them too large.
pub(crate) async fn ship(
    target: &mut dyn Target,
    clock: &dyn Clock,
    points: &[Point],
    max_batch: &mut usize,
    has_taken: bool,
) -> Result<Shipped, Later> {
    let mut shipped = Shipped::default();
    let mut searches = 0;
    // The next batch is the last of the list.
    let mut batches: Vec<&[Point]> = points.chunks(*max_batch).rev().collect();
    while let Some(batch) = batches.pop() {
        let failure = match limited(target, clock, batch).await {
            Ok(()) => {
                shipped.taken += batch.len() as u64;
                continue;
            }
            Err(failure) => failure,
        };
        let searches_max = if has_taken || shipped.taken > 0 { SEARCHES_MAX } else { SEARCHES_FIRST };
        let halves = || batch.split_at(batch.len() / 2);
        match failure {
            Failure::Later { why, after } => return Err(Later { why, after }),
            Failure::TooLarge(_) if batch.len() > 1 => {
                *max_batch = (*max_batch).min(batch.len() / 2).max(1);
                let (first, second) = halves();
                batches.extend([second, first]);
            }
            Failure::Refused { only: None, .. } if batch.len() > 1 && searches < searches_max => {
                searches += 1;
                let (first, second) = halves();
                batches.extend([second, first]);
            }
            Failure::Refused { why, only, of_age } => {
                let refused = only.unwrap_or(batch.len()).min(batch.len());
                let point = only.is_none().then(|| batch[0].clone());
                shipped.refuse(refused, batch.len(), Refusal { point, why, of_age });
            }
            Failure::TooLarge(why) => {
                shipped.refuse(1, 1, Refusal { point: batch.first().cloned(), why, of_age: false });
            }
        }
    }
    Ok(shipped)
}

impl Shipped {
    fn refuse(&mut self, refused: usize, of: usize, refusal: Refusal) {
        self.refused += refused as u64;
        self.taken += (of - refused) as u64;
        self.first.get_or_insert(refusal);
    }
}

async fn limited(target: &mut dyn Target, clock: &dyn Clock, batch: &[Point]) -> Result<(), Failure> {
    tokio::select! {
        result = target.send(batch) => result,
        () = clock.sleep(LIMIT) => Err(Failure::later(format!("no answer within {} s", LIMIT.as_secs()))),
    }
}
