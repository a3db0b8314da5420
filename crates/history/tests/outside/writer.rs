//! The program that is killed: this test program once more, told by its environment to write instead.
//!
//! It opens the store, does the operations of a script one by one, and prints `ack N` when the store has taken
//! operation N. What it printed must be there, whatever happens to it next.

use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ohmstead_history::History;

use crate::open;
use crate::script::{Operation, Script, now};

/// Says what, how it ends, and where: `SEED HOUSE FIRST END ENDING FOLDER`.
const ORDER: &str = "OHMSTEAD_HISTORY_WRITER";

/// What the program does after its last operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Closes the store.
    Orderly,
    /// Ends as after a kill: nothing is closed.
    Abrupt,
}

impl Ending {
    fn key(self) -> &'static str {
        match self {
            Self::Orderly => "orderly",
            Self::Abrupt => "abrupt",
        }
    }
}

/// Starts the program for operations `range` on the store in `folder`.
pub(crate) fn start(
    script: &Script,
    range: Range<u64>,
    ending: Ending,
    folder: &Path,
    output: Stdio,
) -> Child {
    let (Script { seed, house }, Range { start, end }) = (script, range);
    let order = format!("{seed} {house} {start} {end} {} {}", ending.key(), folder.display());
    Command::new(std::env::current_exe().expect("this program"))
        .args(["writer::as_a_program", "--exact", "--nocapture"])
        .env(ORDER, order)
        .stdin(Stdio::null())
        .stdout(output)
        .spawn()
        .expect("it was started just now")
}

/// Reads acknowledgements until there are `most`, or no more come; returns how many came.
pub(crate) fn acknowledged(output: &mut impl BufRead, first: u64, most: usize) -> u64 {
    let mut next = first;
    let acks = output.lines().map_while(Result::ok).filter_map(|line| ack(&line));
    for n in acks.take(most) {
        assert_eq!(n, next, "operations are acknowledged in their order");
        next += 1;
    }
    next - first
}

/// The number in a line `ack N`; the other lines are the test runner's.
pub(crate) fn ack(line: &str) -> Option<u64> {
    line.strip_prefix("ack ")?.parse().ok()
}

pub(crate) fn output(child: &mut Child) -> impl BufRead + use<> {
    BufReader::new(child.stdout.take().expect("it is piped"))
}

/// Does nothing in an ordinary run of the tests.
#[test]
fn as_a_program() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let mut words = order.splitn(6, ' ');
    let mut word = || words.next().expect("six words");
    let script = Script::new(word().parse().expect("a seed"), word());
    let range: Range<u64> = word().parse().expect("the first")..word().parse().expect("the end");
    let abrupt = word() == Ending::Abrupt.key();
    let history = open(Path::new(word())).expect("the store opens");
    let mut output = std::io::stdout();
    for n in range {
        perform(&history, &script.operation(n), n);
        writeln!(output, "ack {n}").expect("somebody reads");
        output.flush().expect("somebody reads");
    }
    if abrupt {
        std::mem::forget(history);
    }
}

/// Does operation `n`.
pub(crate) fn perform(history: &History, operation: &Operation, n: u64) {
    match operation {
        Operation::Commit(readings) => {
            for reading in readings {
                // A value that is refused is no failure of the store.
                let _ = history.append(reading);
            }
            history.commit(now(n)).expect("a sound disk");
        }
        Operation::Backfill(readings) => {
            history.backfill(readings.iter().cloned()).expect("a sound disk");
        }
        Operation::Upkeep => {
            history.retain(now(n)).expect("a sound disk");
            history.compact(now(n)).expect("a sound disk");
        }
        Operation::PutState(key, value) => history.put_state(key, value).expect("a sound disk"),
        Operation::RemoveState(key) => history.remove_state(key).expect("a sound disk"),
        Operation::Ledger(entry) => {
            history.append_ledger(entry).expect("a sound disk");
        }
        Operation::Event(event) => {
            history.append_event(event).expect("a sound disk");
        }
    }
}
