//! What a GX that runs can be told on standard input, a line each; the answer is a line of standard output.
//!
//! ```text
//!   switch grid-lost=on      done
//!   kill vebus               done
//!   revive vebus ttyUSB0     done
//!   wear                     settings: 2 changes, 1 write of the file
//! ```

use std::io::{BufRead as _, IsTerminal as _};

use ohmstead_plant::venus::VenusHandle;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::Common;
use crate::failure::Failure;
use crate::print;

/// Lines that may wait to be read.
const WAITING: usize = 16;

pub(super) const HELP: &str = "While it runs, lines of standard input are orders:
  switch NAME=VALUE       sets a switch; NAME=off takes it back
  kill SERVICE            a driver crashes, such as grid or battery/512
  revive SERVICE [PORT]   it comes back, perhaps on another port, such as ttyUSB0
  reboot                  the GX restarts
  wear                    how often settings were written
  help                    these lines";

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Order<'a> {
    Switch(&'a str),
    Kill(&'a str),
    Revive(&'a str, Option<&'a str>),
    Reboot,
    Wear,
    Help,
}

impl<'a> Order<'a> {
    fn parse(line: &'a str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["switch", switch] => Ok(Self::Switch(switch)),
            ["kill", service] => Ok(Self::Kill(service)),
            ["revive", service] => Ok(Self::Revive(service, None)),
            ["revive", service, port] => Ok(Self::Revive(service, Some(port))),
            ["reboot"] => Ok(Self::Reboot),
            ["wear"] => Ok(Self::Wear),
            ["help"] => Ok(Self::Help),
            _ => Err(format!("{:?} is no order; `help` lists them", line.trim())),
        }
    }

    /// Carries it out. What is told back, or why it cannot be done.
    fn carry_out(&self, gx: &VenusHandle) -> Result<String, String> {
        let known = |done: bool, why: String| if done { Ok("done".to_owned()) } else { Err(why) };
        match self {
            Self::Switch(switch) => {
                gx.set_switch(switch).map(|()| "done".to_owned()).map_err(|error| error.to_string())
            }
            Self::Kill(service) => known(gx.kill(service), format!("there is no service {service}")),
            Self::Revive(service, port) => {
                known(gx.revive(service, *port), format!("no service {service} is away"))
            }
            Self::Reboot => {
                gx.reboot();
                Ok("done".to_owned())
            }
            Self::Wear => Ok(wear(gx)),
            Self::Help => Ok(HELP.to_owned()),
        }
    }
}

/// How often settings were written, in words.
pub(super) fn wear(gx: &VenusHandle) -> String {
    let wear = gx.wear();
    let counted =
        |count: u64, one: &str, more: &str| format!("{count} {}", if count == 1 { one } else { more });
    let changes = counted(wear.changes, "change", "changes");
    let writes = counted(wear.file_writes, "write", "writes");
    format!("settings: {changes}, {writes} of the file")
}

/// The same as data.
pub(super) fn wear_json(gx: &VenusHandle) -> Value {
    let wear = gx.wear();
    json!({ "setting_changes": wear.changes, "file_writes": wear.file_writes })
}

/// Obeys every line of standard input. It does not end: a terminal or a pipe that is closed only says no more.
pub(super) async fn obey(common: &Common, gx: &VenusHandle) -> Result<(), Failure> {
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        if !line.trim().is_empty() {
            let answer = Order::parse(&line).and_then(|order| order.carry_out(gx));
            tell(common, gx, answer)?;
        }
    }
    std::future::pending().await
}

fn tell(common: &Common, gx: &VenusHandle, answer: Result<String, String>) -> Result<(), Failure> {
    let is_done = answer.is_ok();
    let text = answer.unwrap_or_else(|why| format!("error: {why}"));
    if common.json {
        let json = json!({ "ok": is_done, "answer": text, "wear": wear_json(gx) });
        return Ok(print::out(json.to_string())?);
    }
    Ok(print::out(text)?)
}

/// The lines of standard input. A read of it cannot be cancelled, so it has a thread that ends with the program.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(WAITING);
    if is_ours() {
        let read = move || {
            let lines = std::io::stdin().lock().lines();
            // Whatever cannot be read is the end of it.
            for line in lines.map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("orders".to_owned()).spawn(read) {
            tracing::warn!(%error, "standard input is not read");
        }
    }
    receiver
}

/// Whether standard input is for this program: one in the background is stopped when it reads its terminal.
fn is_ours() -> bool {
    let stdin = std::io::stdin();
    !stdin.is_terminal()
        || rustix::termios::tcgetpgrp(&stdin).is_ok_and(|group| group == rustix::process::getpgrp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_orders_or_refused() {
        for (line, order) in [
            ("switch ccl=0", Order::Switch("ccl=0")),
            ("  kill   battery/512 ", Order::Kill("battery/512")),
            ("revive vebus", Order::Revive("vebus", None)),
            ("revive vebus ttyUSB0", Order::Revive("vebus", Some("ttyUSB0"))),
            ("wear", Order::Wear),
        ] {
            assert_eq!(Order::parse(line), Ok(order));
        }
        for line in ["switch", "kill", "kill a b", "revive", "die", "wear 5"] {
            assert!(Order::parse(line).unwrap_err().contains("is no order"), "{line}");
        }
    }
}
