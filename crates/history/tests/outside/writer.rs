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

/// Says where, and what: `SEED HOUSE FIRST END FOLDER`.
const ORDER: &str = "OHMSTEAD_HISTORY_WRITER";

/// Starts the program for operations `range` on the store in `folder`.
pub(crate) fn start(script: &Script, range: Range<u64>, folder: &Path, output: Stdio) -> Child {
    let Script { seed, house } = script;
    let order = format!("{seed} {house} {} {} {}", range.start, range.end, folder.display());
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
    let mut words = order.splitn(5, ' ');
    let mut word = || words.next().expect("five words");
    let script = Script::new(word().parse().expect("a seed"), word());
    let range: Range<u64> = word().parse().expect("the first")..word().parse().expect("the end");
    let history = open(Path::new(word())).expect("the store opens");
    let mut output = std::io::stdout();
    for n in range {
        perform(&history, &script.operation(n), n);
        writeln!(output, "ack {n}").expect("somebody reads");
        output.flush().expect("somebody reads");
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
